"""The fake cloud shows what real services were seen to show, the nasty things above all."""

from __future__ import annotations

import pytest

from guestagent.errors import CloudRequestRefused, CloudUnreachable
from guestagent.resources.natives.cloud_api import CloudServer
from guestagent.resources.natives.fake_cloud import FakeCloud
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.marks import Mark, build_description, build_metadata, build_name
from guestagent.resources.natives.requests import (
    CloudRequest,
    ConfirmResize,
    CreateGroup,
    CreatePort,
    CreateRule,
    CreateServer,
    CreateVolume,
    DeleteAttachment,
    DeleteGroup,
    DeletePort,
    DeleteServer,
    DeleteVolume,
    GrowVolume,
    RebootServer,
    ResizeServer,
    RevertResize,
)
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKey, ResourceKind
from tests.unit.resources.clusters import CLIENTS


def build_mark(kind: ResourceKind) -> Mark:
    return Mark("store", "cluster", ResourceKey("shop", kind, "Master0000"))


class Project:
    """A cloud with a volume and a port, and short ways to ask for a server."""

    def __init__(self) -> None:
        self.cloud = FakeCloud()
        group = CreateGroup(name="group", description=build_description(build_mark(ResourceKind.GROUP)))
        self.group = self.cloud.send(group).cloud_id
        mark = build_mark(ResourceKind.VOLUME)
        volume = CreateVolume(
            name=build_name(mark.key), size_gib=10, volume_type=None, zone=None, metadata=build_metadata(mark)
        )
        self.volume = self.cloud.send(volume).cloud_id
        port = CreatePort(
            name="port",
            description=build_description(build_mark(ResourceKind.PORT)),
            network="private",
            subnet=None,
            groups=(self.group,),
        )
        self.port = self.cloud.send(port).cloud_id
        self.cloud.tick(3)

    def ask(self) -> CreateServer:
        mark = build_mark(ResourceKind.SERVER)
        return CreateServer(
            name="server",
            flavor="m1.small",
            image="image",
            port_id=self.port,
            volume_id=self.volume,
            zone=None,
            key_pair=None,
            metadata=build_metadata(mark),
        )

    def boot(self) -> str:
        server = self.cloud.send(self.ask()).cloud_id
        self.cloud.tick(6)
        assert self.show(server) == "ACTIVE/None"
        return server

    def show(self, server: str) -> str:
        shown = self.cloud.get_server(server)
        return "404" if shown is None else f"{shown.status}/{shown.task_state}"

    def watch(self, server: str, ticks: int = 8) -> list[str]:
        """Return the states that the server goes through, without repetitions."""
        states = [self.show(server)]
        for _ in range(ticks):
            self.cloud.tick()
            states.append(self.show(server))
        return [state for before, state in zip(["", *states], states, strict=False) if before != state]

    def volume_status(self) -> str:
        volume = self.cloud.get_volume(self.volume)
        return "404" if volume is None else volume.status


def test_a_server_is_built_in_many_states_and_its_volume_is_reserved_by_the_request() -> None:
    project = Project()

    server = project.cloud.send(project.ask()).cloud_id

    assert project.volume_status() == "reserved"
    assert project.watch(server) == [
        "BUILD/scheduling",
        "BUILD/None",
        "BUILD/networking",
        "BUILD/block_device_mapping",
        "BUILD/spawning",
        "ACTIVE/None",
    ]
    assert project.volume_status() == "in-use"


def test_a_second_server_cannot_have_the_volume() -> None:
    project = Project()
    project.cloud.send(project.ask())

    with pytest.raises(CloudRequestRefused, match="is reserved"):
        project.cloud.send(project.ask())


def test_a_server_without_a_host_keeps_its_volume_reserved_until_it_is_deleted() -> None:
    project = Project()
    project.cloud.project.limits.has_host = False
    server = project.cloud.send(project.ask()).cloud_id
    assert project.watch(server)[-1] == "ERROR/None"
    assert project.volume_status() == "reserved"

    project.cloud.send(DeleteServer(server_id=server))

    assert project.watch(server)[-1] == "404"
    assert project.volume_status() == "available"


def test_a_server_deleted_in_build_is_active_once() -> None:
    project = Project()
    server = project.cloud.send(project.ask()).cloud_id

    project.cloud.send(DeleteServer(server_id=server))

    assert project.watch(server) == ["BUILD/deleting", "ACTIVE/None", "404"]


def test_a_resize_waits_for_its_confirmation_and_the_volume_is_away_meanwhile() -> None:
    project = Project()
    server = project.boot()

    project.cloud.send(ResizeServer(server_id=server, flavor="m1.large"))

    assert project.watch(server, 1)[-1] == "RESIZE/resize_migrating"
    assert (project.volume_status(), project.cloud.observe().attachments) == ("reserved", ())
    assert project.watch(server)[-1] == "VERIFY_RESIZE/None"
    project.cloud.send(ConfirmResize(server_id=server))
    assert project.watch(server) == ["VERIFY_RESIZE/None", "ACTIVE/None"]
    assert get_server(project, server).flavor == "m1.large"


def get_server(project: Project, server: str) -> CloudServer:
    shown = project.cloud.get_server(server)
    assert shown is not None
    return shown


def test_a_revert_brings_the_old_flavor_back() -> None:
    project = Project()
    server = project.boot()
    project.cloud.send(ResizeServer(server_id=server, flavor="m1.large"))
    project.watch(server)

    project.cloud.send(RevertResize(server_id=server))

    assert project.watch(server) == ["REVERT_RESIZE/resize_reverting", "ACTIVE/None"]
    assert get_server(project, server).flavor == "m1.small"


def test_a_resize_without_a_host_is_told_by_the_action_alone() -> None:
    project = Project()
    server = project.boot()
    project.cloud.project.limits.has_other_host = False

    answer = project.cloud.send(ResizeServer(server_id=server, flavor="m1.large"))

    assert project.watch(server) == ["RESIZE/resize_prep", "ACTIVE/None"]
    assert (get_server(project, server).flavor, get_server(project, server).fault) == ("m1.small", "")
    newest = project.cloud.list_actions(server)[0]
    assert (newest.action, newest.request_id, newest.result) == ("resize", answer.request_id, "Error")


def test_a_resize_while_the_volume_extends_ends_in_error() -> None:
    project = Project()
    server = project.boot()
    project.cloud.send(GrowVolume(volume_id=project.volume, size_gib=20))

    project.cloud.send(ResizeServer(server_id=server, flavor="m1.large"))

    assert project.watch(server)[-1] == "ERROR/None"


def test_a_refused_online_growth_shows_the_new_size_and_the_action_tells() -> None:
    project = Project()
    server = project.boot()
    project.cloud.project.limits.fails_disk_growth = True

    project.cloud.send(GrowVolume(volume_id=project.volume, size_gib=20))
    project.cloud.tick(3)

    volume = project.cloud.get_volume(project.volume)
    assert volume is not None
    assert (volume.status, volume.size_gib) == ("in-use", 20)
    assert project.cloud.list_actions(server)[0].result == "Error"


def test_a_failed_soft_reboot_leaves_an_active_server() -> None:
    project = Project()
    server = project.boot()
    project.cloud.project.limits.fails_reboot = True

    project.cloud.send(RebootServer(server_id=server, hard=False))

    assert project.watch(server)[-1] == "ACTIVE/None"
    assert project.cloud.list_actions(server)[0].result == "Error"


def test_a_second_rule_is_answered_with_the_id_of_the_first() -> None:
    project = Project()
    first = project.cloud.send(CreateRule(group_id=project.group, rule=CLIENTS))

    second = project.cloud.send(CreateRule(group_id=project.group, rule=CLIENTS))

    assert (second.cloud_id, second.exists) == (first.cloud_id, True)


def test_what_is_in_use_is_not_deleted() -> None:
    project = Project()
    project.boot()
    (attachment,) = project.cloud.observe().attachments
    requests: list[CloudRequest] = [
        DeleteGroup(group_id=project.group),
        DeletePort(port_id=project.port),
        DeleteVolume(volume_id=project.volume),
        DeleteAttachment(attachment_id=attachment.id),
    ]

    for request in requests:
        with pytest.raises(CloudRequestRefused):
            project.cloud.send(request)


@pytest.mark.parametrize(
    ("kind", "effects"),
    [(FaultKind.UNTAKEN, [0, 0]), (FaultKind.UNANSWERED, [1, 1]), (FaultKind.LATE, [0, 1])],
)
def test_a_request_without_an_answer_takes_effect_or_not(kind: FaultKind, effects: list[int]) -> None:
    cloud = FakeCloud()
    cloud.faults.append(CloudFault(kind, CreateGroup, ticks=2))
    found = []

    with pytest.raises(CloudUnreachable):
        cloud.send(CreateGroup(name="group", description=""))
    found.append(len(cloud.project.groups))
    cloud.tick(2)
    found.append(len(cloud.project.groups))

    assert found == effects


def test_a_fault_can_refuse_with_any_code() -> None:
    cloud = FakeCloud()
    cloud.faults.append(CloudFault(FaultKind.REFUSED, code=RefusalCode.FORBIDDEN, message="no such role"))

    with pytest.raises(CloudRequestRefused, match="no such role") as caught:
        cloud.send(CreateGroup(name="group", description=""))

    assert caught.value.code == RefusalCode.FORBIDDEN
    assert cloud.project.groups == {}


def test_an_old_list_shows_what_was_there_before() -> None:
    project = Project()
    project.cloud.observe()
    server = project.cloud.send(project.ask()).cloud_id
    project.cloud.is_stale = True

    assert server not in project.cloud.observe().servers
    assert server in project.cloud.observe().servers
