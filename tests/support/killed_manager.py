"""What is ordered of clusters while the service is killed at random moments, and what the cloud holds afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from guestagent.embedded import FakeHypervisor, Serving, serving
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    Order,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from guestagent.resources.service.assembly import open_local_manager
from tests.support.fast_manager import open_fast_store
from tests.support.imitated_guests import ImitatedGuests
from tests.support.orders import DESCRIPTION, await_end, build_order
from tests.support.polling import wait_until
from tests.support.random_kills import RandomKills
from tests.support.served_manager import ServedManager
from tests.support.signalling_guests import SignallingHypervisor

OLD, NEW = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
RULE = build_rule(OLD, port_min=3306)
Orders = Sequence[tuple[type[Order], Mapping[str, Any]]]
LONG_DEADLINE: Mapping[str, object] = {"deadline": 3000, "auth_ttl": 3600}
"""Almost three minutes for each proof, on a clock that is 20 times as fast: no node can signal while the service is
killed, and on a busy machine it takes some time to start again.
"""
CREATION: Orders = (
    (CreateCluster, {"description": {**DESCRIPTION, **LONG_DEADLINE, "client_networks": [str(OLD)]}}),
)
CHANGES: Orders = (
    (AddInstance, {"flavor": "m1.tiny", "image": "guestagent-mariadb", "volume_gib": 1}),
    (ResizeInstance, {"instance": "Slave0001", "flavor": "m1.small", "on_failure": ResizeFailure.KEEP}),
    (ResizeVolume, {"instance": "Slave0000", "size_gib": 2}),
    (UpdateRuleCidr, {"group": "database", "rule": RULE, "network": NEW}),
    (DeleteInstance, {"instance": "Slave0000", "volume": VolumeFate.KEEP}),
)
"""What is ordered of each cluster, one after the other."""


@dataclass
class KilledManager:
    """The store of services that are killed again and again, and the cloud that they work on."""

    intake: OrderIntake
    connection: Connection
    project: OpenStackProject
    kills: Sequence[RandomKills]

    @property
    def are_kills_over(self) -> bool:
        return all(each.is_over for each in self.kills)

    @property
    def kill_count(self) -> int:
        return sum(each.kills for each in self.kills)

    def carry_out(self, clusters: Sequence[str], orders: Orders) -> None:
        """Give each order to all clusters at once, and wait until all have carried it out."""
        for order_type, values in orders:
            begun = [self.intake.submit(build_order(order_type, cluster=name, **values)) for name in clusters]
            ended = [await_end(self.intake, operation) for operation in begun]
            assert {operation.state for operation in ended} == {OperationState.DONE}, ended

    def list_ids(self) -> tuple[set[str], ...]:
        """Return the ids of all that the project has."""
        seen = self.project.observe()
        kinds = (seen.servers, seen.volumes, seen.ports, seen.groups)
        return (*(set(kind) for kind in kinds), {each.id for each in seen.attachments})

    def live_until_kills_are_over(
        self, clusters: Sequence[str], is_over: Callable[[], bool] | None = None
    ) -> int:
        """Let clusters live, at least once and until there were all kills. Return how often they lived."""
        before, lives = self.list_ids(), 0
        while not lives or not self.are_kills_over or (is_over is not None and not is_over()):
            self.carry_out(clusters, (*CREATION, *CHANGES))
            self.end(clusters, before)
            lives += 1
        return lives

    def end(self, clusters: Sequence[str], before: tuple[set[str], ...]) -> None:
        """Check the cloud after CHANGES and again after the end of the clusters: then it is as it was before."""
        seen = self.project.observe()
        check_everything_is_as_ordered(seen, len(clusters))
        self.carry_out(clusters, ((DeleteCluster, {"volumes": VolumeFate.KEEP}),))
        kept, findings = self.project.observe(), self.intake.audit()
        for volume_id in kept.volumes:
            self.connection.block_storage.delete_volume(volume_id)

        assert set(kept.volumes) == set(seen.volumes), "a data volume was deleted by no order"
        assert {finding.cloud_id for finding in findings} == set(kept.volumes)
        wait_until(lambda: self.list_ids() == before)


def check_everything_is_as_ordered(seen: CloudObservation, clusters: int) -> None:
    """Check what each cluster has: one source, one resized replica, and the volume of the replica that is gone."""
    assert sorted(server.flavor for server in seen.servers.values()) == sorted(
        ["m1.small", "m1.tiny"] * clusters
    )
    assert {server.status for server in seen.servers.values()} == {"ACTIVE"}
    volumes = Counter((volume.size_gib, volume.status) for volume in seen.volumes.values())
    assert volumes == {(1, "in-use"): 2 * clusters, (2, "available"): clusters}
    assert len(seen.ports) == len(seen.attachments) == 2 * clusters
    groups = [group for group in seen.groups.values() if group.name != "default"]
    assert len(groups) == clusters
    for group in groups:
        assert RULE.with_network(NEW) in group.rules.values()
        assert RULE not in group.rules.values()


@contextmanager
def serving_guests(engine: str) -> Iterator[Serving]:
    """Run a cloud whose guests signal to the manager of NATIVES, to Heat, or to both."""
    hypervisor = FakeHypervisor() if engine == "natives" else SignallingHypervisor()
    with serving(hypervisor) as served, ExitStack() as stack:
        if engine != "orchestrator":
            stack.enter_context(ImitatedGuests(hypervisor))
        yield served


@contextmanager
def killing_services(
    *victims: tuple[ServedManager, int], login: Mapping[str, Any] | None = None
) -> Iterator[KilledManager]:
    """Kill services that share a store and a cloud, each so often.

    `login` are the arguments of `openstack.connect` by which the test looks at the cloud, if not the services' own.
    """
    first, _ = victims[0]
    with (
        ExitStack() as stack,
        pytest.MonkeyPatch.context() as patch,
        openstack.connect(**(login or first.cloud)) as connection,
    ):
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(first.clouds_file))
        kills = [
            stack.enter_context(RandomKills(service, count, seed=count + number))
            for number, (service, count) in enumerate(victims)
        ]
        intake = stack.enter_context(open_local_manager(first.settings, open_store=open_fast_store))
        yield KilledManager(intake, connection, OpenStackProject(connection), kills)
