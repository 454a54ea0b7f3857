"""An audit of the embedded cloud: what raw requests have left there, what others have, and what an order cleans."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.natives.marks import Mark, build_description, build_metadata
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Clean, CreateCluster, DeleteCluster, VolumeFate
from guestagent.resources.store.records import ResourceKey, ResourceKind
from guestagent.resources.views import AuditFinding, FindingKind, InstanceState
from tests.support.natives_manager import NativesManager, open_natives_manager
from tests.support.raw_cloud import RawCloud, attach_at_boot

pytestmark = pytest.mark.timeout(900)

SETTLE_S = 1.0
LOST_ID = "11111111-0000-4000-8000-000000000000"
OTHER_STORE = "22222222-0000-4000-8000-000000000000"
OBSERVATION_LIMIT = 8
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.tiny",
    "image": "guestagent-mariadb",
    "subnet": "embedded-subnet",
    "volume": {"size_gib": 1},
    "client_networks": ["192.0.2.0/24"],
    "source": {},
    "replicas": 1,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def manager(served: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativesManager]:
    with open_natives_manager(served, tmp_path_factory.mktemp("manager"), SETTLE_S) as manager:
        created = manager.carry_out(CreateCluster, description=DESCRIPTION)
        assert created.state is OperationState.DONE, created
        yield manager


@pytest.fixture(scope="module")
def cloud(manager: NativesManager) -> RawCloud:
    return RawCloud(manager.connection)


@contextmanager
def count_requests(manager: NativesManager) -> Iterator[list[str]]:
    """Yield the list of the requests that this thread sends meanwhile: the workers share its session."""
    sent: list[str] = []
    thread = threading.get_ident()
    hooks = manager.connection.session.session.hooks["response"]

    def note(response: Any, *_: object, **__: object) -> None:
        if threading.get_ident() == thread:
            sent.append(f"{response.request.method} {response.request.url}")

    hooks.append(note)
    try:
        yield sent
    finally:
        hooks.remove(note)


def build_lost_mark(kind: ResourceKind, store_id: str, name: str = "") -> Mark:
    instance = "" if kind is ResourceKind.GROUP else "Slave0004"
    return Mark(store_id, LOST_ID, ResourceKey("lost", kind, instance, name))


def create_remains(cloud: RawCloud, store_id: str) -> dict[str, str]:
    """Create the server, volume, port and group of a cluster that no store has, by raw requests. Return the ids."""
    description = build_description(build_lost_mark(ResourceKind.GROUP, store_id, "database"))
    body = {"security_group": {"name": "ga-lost", "description": description}}
    _, group = cloud.ask("network", "POST", "/security-groups", body)
    group_id = group["security_group"]["id"]
    port_id = create_port(cloud, build_description(build_lost_mark(ResourceKind.PORT, store_id)), group_id)
    volume_id = create_volume(cloud, store_id)
    server_id = cloud.have_server(
        metadata=build_metadata(build_lost_mark(ResourceKind.SERVER, store_id)),
        networks=[{"port": port_id}],
        **attach_at_boot(volume_id),
    )
    return {"group": group_id, "port": port_id, "volume": volume_id, "server": server_id}


def create_port(cloud: RawCloud, description: str, *groups: str) -> str:
    body = {
        "port": {"network_id": find_network(cloud), "description": description, "security_groups": groups}
    }
    status, port = cloud.ask("network", "POST", "/ports", body)
    assert status == 201, port
    return str(port["port"]["id"])


def create_volume(cloud: RawCloud, store_id: str) -> str:
    volume_id = cloud.create_volume(metadata=build_metadata(build_lost_mark(ResourceKind.VOLUME, store_id)))
    assert cloud.await_volume(volume_id, "available") == "available"
    return volume_id


def find_network(cloud: RawCloud) -> str:
    _, networks = cloud.ask("network", "GET", "/networks")
    return str(networks["networks"][0]["id"])


def audit_twice(manager: NativesManager) -> Sequence[AuditFinding]:
    manager.intake.audit()
    time.sleep(SETTLE_S + 0.1)
    return manager.intake.audit()


def find_kinds(findings: Sequence[AuditFinding]) -> dict[str, FindingKind]:
    return {each.cloud_id: each.kind for each in findings}


def test_instances_and_groups_are_shown_as_they_are(manager: NativesManager) -> None:
    instances = manager.intake.instances("shop")
    (group,) = manager.intake.security_groups("shop")

    assert [(each.name, each.role, each.state) for each in instances] == [
        ("Master0000", "source", InstanceState.READY),
        ("Slave0000", "replica", InstanceState.READY),
    ]
    assert all(each.server_id and each.volume_id and each.port_id and each.addresses for each in instances)
    assert {(each.flavor, each.volume_gib, each.drift) for each in instances} == {("m1.tiny", 1, ())}
    assert {*group.rules} == {*group.wanted_rules}
    assert (group.id in manager.observe().groups, group.drift) == (True, ())


def test_the_owner_of_a_cluster_is_shown_by_store_and_marks(manager: NativesManager) -> None:
    owner = manager.intake.owner("shop")

    assert owner.engine == "natives"
    assert owner.evidence[0] == "the store has it as a cluster of natives"
    assert [sentence.split(":")[0] for sentence in owner.evidence[1:]] == [
        "2 servers marked for it",
        "2 ports marked for it",
        "1 group marked for it",
    ]


def test_a_look_takes_few_requests_whatever_there_is(manager: NativesManager, cloud: RawCloud) -> None:
    with count_requests(manager) as few:
        manager.intake.audit()
    for _ in range(6):
        cloud.create_volume()
        create_port(cloud, "")

    with count_requests(manager) as many:
        manager.intake.audit()
    with count_requests(manager) as shown:
        manager.intake.instances("shop")

    assert len(few) == len(many) == len(shown) <= OBSERVATION_LIMIT
    assert {request.split()[0] for request in [*few, *many, *shown]} == {"GET"}


def test_remains_are_found_at_the_second_look_and_cleaned_by_name(
    manager: NativesManager, cloud: RawCloud
) -> None:
    assert audit_twice(manager) == []
    remains = create_remains(cloud, manager.store.id)
    others = create_remains(cloud, OTHER_STORE)

    first = manager.intake.audit()
    time.sleep(SETTLE_S + 0.1)
    second = manager.intake.audit()

    assert find_kinds(first) == dict.fromkeys(remains.values(), FindingKind.UNSETTLED)
    assert find_kinds(second) == {
        **dict.fromkeys(remains.values(), FindingKind.ORPHAN),
        remains["volume"]: FindingKind.KEPT_VOLUME,
    }
    named = tuple(each.id for each in second if each.resource != "volume")
    cleaned = manager.carry_out(Clean, cluster="lost", findings=named)
    assert cleaned.state is OperationState.DONE, cleaned
    assert cleaned.result == dict.fromkeys(named, "deleted")
    observed = manager.observe()
    assert remains["server"] not in observed.servers
    assert not {remains["port"], remains["group"]} & {*observed.ports, *observed.groups}
    assert observed.volumes[remains["volume"]].status == "available"
    assert {others["server"], others["port"]} <= {*observed.servers, *observed.ports}

    (kept,) = audit_twice(manager)
    volume = manager.carry_out(Clean, cluster="lost", findings=(kept.id,))
    assert volume.result == {kept.id: "deleted"}
    assert remains["volume"] not in manager.observe().volumes
    assert {each.name for each in manager.intake.clusters()} == {"shop"}


def test_reservations_foreign_rules_and_strangers_are_found(
    served: Serving, manager: NativesManager, cloud: RawCloud
) -> None:
    volume_id = create_volume(cloud, manager.store.id)
    storage = served.cloud.compute.storage
    storage.reserve(volume_id, "33333333-0000-4000-8000-000000000000")
    (group,) = manager.intake.security_groups("shop")
    rule = {"security_group_id": group.id, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    _, made = cloud.ask(
        "network",
        "POST",
        "/security-group-rules",
        {"security_group_rule": {**rule, "port_range_min": 22, "port_range_max": 22}},
    )
    rule_id = made["security_group_rule"]["id"]
    stranger = create_port(cloud, "", group.id)

    findings = audit_twice(manager)

    kinds = find_kinds(findings)
    assert kinds[rule_id] is FindingKind.FOREIGN_RULE
    assert kinds[stranger] is FindingKind.STRANGER
    assert kinds[volume_id] is FindingKind.KEPT_VOLUME
    (leaked,) = [each for each in findings if each.kind is FindingKind.LEAKED_RESERVATION]
    cleaned = manager.carry_out(
        Clean, cluster="lost", findings=tuple(each.id for each in findings if each.cluster == "lost")
    )
    assert {*cleaned.result.values()} == {"deleted"}
    assert leaked.id in cleaned.result
    foreign = tuple(each.id for each in findings if each.cloud_id == rule_id)
    assert manager.carry_out(Clean, findings=foreign).result == dict.fromkeys(foreign, "deleted")
    (after,) = audit_twice(manager)
    assert (after.cloud_id, after.kind) == (stranger, FindingKind.STRANGER)
    assert cloud.ask("network", "DELETE", f"/ports/{stranger}")[0] == 204


def test_the_volumes_that_an_order_keeps_are_no_orphans(manager: NativesManager) -> None:
    name = {"cluster": "old"}
    manager.carry_out(CreateCluster, **name, description={**DESCRIPTION, "replicas": 0})
    manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.KEEP)

    (finding,) = audit_twice(manager)

    assert (finding.kind, finding.cluster, finding.resource) == (FindingKind.KEPT_VOLUME, "old", "volume")
    assert manager.carry_out(Clean, **name, findings=(finding.id,)).result == {finding.id: "deleted"}
    assert audit_twice(manager) == []
