"""One order of each kind that ORCHESTRATOR carries out, on a stack that is ready for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from guestagent.controller import Stacks
from guestagent.controller.follower import build_follower_account
from guestagent.resources.natives.requests import (
    CloudRequest,
    ConfirmResize,
    DeleteServer,
    MigrateServer,
    RebootServer,
    RevertResize,
)
from guestagent.resources.operation import OperationState
from guestagent.resources.orchestrator.stack_orders import read_stack_description
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
    RegisterCluster,
    RenewInstance,
    ReplaceInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RevokeFollower,
    UnregisterCluster,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from guestagent.secret import Secret
from tests.support.orders import build_order
from tests.unit.resources.clusters import CLIENTS
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, DESCRIPTION, StackWorld

OTHER_NETWORK = ip_network("198.51.100.0/24")
OFFICE = build_rule(OTHER_NETWORK, port_min=3306)
MONITORING = build_rule(CLIENTS.network, port_min=9104)


def prepare_nothing(world: StackWorld) -> None:
    """There is no cluster yet."""


def prepare_cluster(world: StackWorld) -> None:
    """Have the cluster with its stack."""
    world.create()


def prepare_group(world: StackWorld) -> None:
    """Have the cluster with a security group of its own."""
    world.create()
    world.run(build_order(CreateSecurityGroup, group="monitoring", rules=(MONITORING,)))
    world.forget_history()


def prepare_failing_node(world: StackWorld) -> None:
    """Have the cluster, whose replica will not prove itself in its next generation."""
    world.create()
    world.heat.verdicts["Slave0000ReadyWaitCond2"] = "too little memory"


def prepare_lost_server(world: StackWorld) -> None:
    """Have the cluster, whose source's server somebody has deleted."""
    world.create()
    world.cloud.send(DeleteServer(server_id="Master0000-id"))
    world.live(5)
    world.forget_history()


def prepare_foreign_stack(world: StackWorld) -> None:
    """Have a stack that the command line has made, and no row."""
    order = build_order(CreateCluster, description=DESCRIPTION)
    stacks = Stacks(world.heat)
    stacks.wait(stacks.create(CLUSTER, read_stack_description(order).cluster))
    world.forget_history()


@dataclass(frozen=True)
class StackScenario:
    """An order, what there is before it, and the requests that it takes: to Heat, and to Nova."""

    build: Callable[[], Order]
    requests: tuple[str, ...]
    prepare: Callable[[StackWorld], None] = prepare_cluster
    end: OperationState = OperationState.DONE
    server_requests: tuple[type[CloudRequest], ...] = ()

    def build_world(self) -> StackWorld:
        world = StackWorld()
        self.prepare(world)
        return world


def build(order_type: type[Order], **values: Any) -> Callable[[], Order]:
    """Return a function that builds the order anew, with another request id."""
    return lambda: build_order(order_type, **values)


ADMIT = build(AdmitFollower, follower="reports", follower_network=OTHER_NETWORK)


def prepare_failing_source(world: StackWorld) -> None:
    """Have the cluster, whose source will not prove itself in its next generation."""
    world.create()
    world.heat.verdicts["Master0000ReadyWaitCond2"] = "access denied"


def prepare_follower(world: StackWorld) -> None:
    """Have the cluster with a follower that it has admitted."""
    world.create()
    assert world.run(ADMIT()).state is OperationState.DONE
    world.forget_history()


def prepare_foreign_follower(world: StackWorld) -> None:
    """Have the cluster with a follower that the command line has admitted, with another password."""
    world.create()
    stacks = Stacks(world.heat)
    change = stacks.change(
        CLUSTER,
        lambda before: before.admit("reports", str(OTHER_NETWORK)),
        {build_follower_account("reports"): Secret("x" * 30)},
    )
    stacks.wait(change)
    world.forget_history()


STACK_SCENARIOS = {
    "create_cluster": StackScenario(
        build(CreateCluster, description=DESCRIPTION), ("create",), prepare_nothing
    ),
    "delete_cluster": StackScenario(build(DeleteCluster, volumes=VolumeFate.DELETE), ("delete",)),
    "delete_instance": StackScenario(
        build(DeleteInstance, instance="Slave0000", volume=VolumeFate.DELETE), ("update",)
    ),
    "delete_cluster_keep": StackScenario(build(DeleteCluster, volumes=VolumeFate.KEEP), ("delete",)),
    "delete_instance_keep": StackScenario(
        build(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP), ("update",)
    ),
    "add_instance": StackScenario(
        build(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5), ("update",)
    ),
    "resize_volume": StackScenario(build(ResizeVolume, instance="Slave0000", size_gib=20), ("update",)),
    "create_rules": StackScenario(build(CreateRules, group="database", rules=(OFFICE,)), ("update",)),
    "delete_rules": StackScenario(build(DeleteRules, group="database", rules=(CLIENTS,)), ("update",)),
    "update_rule_cidr": StackScenario(
        build(UpdateRuleCidr, group="database", rule=CLIENTS, network=OTHER_NETWORK), ("update", "update")
    ),
    "create_security_group": StackScenario(
        build(CreateSecurityGroup, group="monitoring", rules=(MONITORING,)), ("update",)
    ),
    "delete_security_group": StackScenario(
        build(DeleteSecurityGroup, group="monitoring"), ("update",), prepare_group
    ),
    "update_rule_of_group": StackScenario(
        build(UpdateRuleCidr, group="monitoring", rule=MONITORING, network=OTHER_NETWORK),
        ("update", "update"),
        prepare_group,
    ),
    "renew_instance": StackScenario(build(RenewInstance, instance="Slave0000"), ("update",)),
    "resize_instance": StackScenario(
        build(ResizeInstance, instance="Slave0000", flavor="m1.large", on_failure=ResizeFailure.KEEP),
        ("update", "update"),
    ),
    "resize_instance_reverted": StackScenario(
        build(ResizeInstance, instance="Slave0000", flavor="m1.large"),
        ("update",) * 4,
        prepare_failing_node,
        OperationState.FAILED,
    ),
    "admit_follower": StackScenario(ADMIT, ("update",)),
    "admit_follower_again": StackScenario(ADMIT, ("update", "update"), prepare_foreign_follower),
    "admit_follower_unproved": StackScenario(
        ADMIT, ("update",), prepare_failing_source, OperationState.FAILED
    ),
    "revoke_follower": StackScenario(
        build(RevokeFollower, follower="reports"), ("update",), prepare_follower
    ),
    "restart_instance": StackScenario(
        build(RestartInstance, instance="Slave0000"), ("update",), server_requests=(RebootServer,)
    ),
    "replace_instance": StackScenario(
        build(ReplaceInstance, instance="Slave0000"), ("update",), server_requests=(DeleteServer,)
    ),
    "replace_instance_gone": StackScenario(
        build(ReplaceInstance, instance="Master0000"), ("update",), prepare_lost_server
    ),
    "migrate_instance": StackScenario(
        build(MigrateInstance, instance="Slave0000"),
        ("update",),
        server_requests=(MigrateServer, ConfirmResize),
    ),
    "migrate_instance_returned": StackScenario(
        build(MigrateInstance, instance="Slave0000"),
        ("update",) * 2,
        prepare_failing_node,
        OperationState.FAILED,
        (MigrateServer, RevertResize),
    ),
    "register_cluster": StackScenario(build(RegisterCluster), (), prepare_foreign_stack),
    "unregister_cluster": StackScenario(build(UnregisterCluster), ()),
}
