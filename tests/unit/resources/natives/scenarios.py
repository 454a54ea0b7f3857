"""One order of each kind, on a cluster that is ready for it, with what has to hold afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteInstance,
    DeleteRules,
    DeleteSecurityGroup,
    MigrateInstance,
    Order,
    RenewInstance,
    ReplaceInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RevokeFollower,
    RotatePasswords,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.orders import build_order
from tests.unit.resources.clusters import CLIENTS
from tests.unit.resources.natives.worlds import World

OTHER_NETWORK = ip_network("198.51.100.0/24")
MONITORS = build_rule(ip_network("203.0.113.0/24"), port_min=9104)


@dataclass(frozen=True)
class Scenario:
    """An order, the orders before it, how many replicas there are, and what it may do to servers and volumes.

    `damage` happens to the cluster before the order.
    """

    build: Callable[[], Order]
    before: tuple[Callable[[], Order], ...] = ()
    replicas: int = 0
    servers_per_volume: int = 1
    deletes_volumes: bool = False
    damage: Callable[[World], None] | None = None

    def prepare(self) -> World:
        """Return a world in which the order can be given. Nobody was killed so far."""
        world = World()
        orders = [*self.before]
        if self.build is not create:
            orders.insert(0, lambda: build_order(CreateCluster, description={"replicas": self.replicas}))
        for build in orders:
            assert world.run(build()).state.value == "done"
        if self.damage is not None:
            self.damage(world)
        world.killer.passed.clear()
        world.cloud.requests.clear()
        if self.build is update_cidr:
            world.watchers.append(watch_rules)
        return world


def lose_replica(world: World) -> None:
    """Have a replica without its server and its data volume, as after the loss of a host and its disks."""
    project = world.cloud.project
    for server in [*project.servers.values()]:
        if server.metadata["guestagent:instance"] == "Slave0000":
            world.cloud._compute._remove(server)
            del project.volumes[server.volume_id]
    world.live(100)


def watch_rules(world: World) -> None:
    """See that neither the old nor the new rule is missing at the same time."""
    rules = {rule for group in world.cloud.project.groups.values() for rule in group.rules.values()}
    assert rules & {CLIENTS, CLIENTS.with_network(OTHER_NETWORK)}, "no rule lets the clients in"


def create() -> Order:
    order: Order = build_order(CreateCluster, description={"replicas": 0})
    return order


def update_cidr() -> Order:
    order: Order = build_order(UpdateRuleCidr, group="database", rule=CLIENTS, network=OTHER_NETWORK)
    return order


def build(order_type: type[Order], **values: Any) -> Callable[[], Order]:
    """Return a function that builds the order anew, with another request id."""
    return lambda: build_order(order_type, **values)


CREATE_GROUP = build(CreateSecurityGroup, group="monitoring", rules=(MONITORS,))
ADMIT = build(AdmitFollower, follower="reports", follower_network=OTHER_NETWORK)
SCENARIOS = {
    "create_cluster": Scenario(create),
    "add_instance": Scenario(build(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)),
    "delete_instance": Scenario(
        build(DeleteInstance, instance="Slave0000", volume=VolumeFate.DELETE),
        replicas=1,
        deletes_volumes=True,
    ),
    "delete_instance_keep": Scenario(
        build(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP), replicas=1
    ),
    "delete_cluster": Scenario(build(DeleteCluster, volumes=VolumeFate.DELETE), deletes_volumes=True),
    "delete_cluster_of_two": Scenario(
        build(DeleteCluster, volumes=VolumeFate.DELETE), replicas=1, deletes_volumes=True
    ),
    "delete_cluster_keep": Scenario(build(DeleteCluster, volumes=VolumeFate.KEEP)),
    "replace_instance": Scenario(build(ReplaceInstance, instance="Master0000"), servers_per_volume=2),
    "replace_lost_replica": Scenario(
        build(ReplaceInstance, instance="Slave0000"), replicas=1, damage=lose_replica
    ),
    "resize_instance": Scenario(build(ResizeInstance, instance="Master0000", flavor="m1.large")),
    "migrate_instance": Scenario(build(MigrateInstance, instance="Master0000")),
    "restart_instance": Scenario(build(RestartInstance, instance="Master0000")),
    "restart_instance_hard": Scenario(build(RestartInstance, instance="Master0000", hard=True)),
    "resize_volume": Scenario(build(ResizeVolume, instance="Master0000", size_gib=20)),
    "create_security_group": Scenario(CREATE_GROUP),
    "delete_security_group": Scenario(build(DeleteSecurityGroup, group="monitoring"), before=(CREATE_GROUP,)),
    "create_rules": Scenario(build(CreateRules, group="database", rules=(MONITORS,))),
    "delete_rules": Scenario(build(DeleteRules, group="database", rules=(CLIENTS,))),
    "update_rule_cidr": Scenario(update_cidr),
    "renew_instance": Scenario(build(RenewInstance, instance="Master0000")),
    "admit_follower": Scenario(ADMIT),
    "revoke_follower": Scenario(build(RevokeFollower, follower="reports"), before=(ADMIT,)),
    "rotate_passwords_and_key": Scenario(build(RotatePasswords), replicas=1),
    "rotate_passwords": Scenario(build(RotatePasswords), before=(build(RotatePasswords),), replicas=1),
}
PAIRED = ("create_cluster", "delete_cluster", "resize_instance", "resize_volume", "update_rule_cidr")
