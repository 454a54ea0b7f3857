"""The life of a cluster in which every order and every query has its turn. It is the same for every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from guestagent.resources.interface import ResourceManager
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    Clean,
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
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RevokeFollower,
    RotatePasswords,
    UnregisterCluster,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.orders import build_order

OLD, NEW = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
CLIENTS = build_rule(OLD, port_min=3306)
MONITORING = build_rule(ip_network("203.0.113.0/24"), port_min=9104)
BACKUP = build_rule(ip_network("203.0.113.0/24"), port_min=4444)
IMAGE, FLAVOR, OTHER_FLAVOR = "guestagent-mariadb", "m1.tiny", "m1.small"
DESCRIPTION: dict[str, object] = {
    "flavor": FLAVOR,
    "image": IMAGE,
    "network": "embedded",
    "volume": {"size_gib": 1},
    "client_networks": [str(OLD)],
    "source": {},
    "replicas": 1,
}
Tell = Callable[[str], None]


@dataclass
class Performance:
    """The life of one cluster. `performed` are the kinds of orders that have had their turn.

    `left_out` are kinds that have none.
    """

    manager: ResourceManager
    cluster: str
    tell: Tell
    left_out: frozenset[str] = frozenset()
    performed: list[str] = field(default_factory=list)

    def create(self) -> None:
        """Create the cluster. Raise AssertionError if that fails."""
        create = self._build(CreateCluster, description=DESCRIPTION)
        assert isinstance(create, CreateCluster)
        findings = self.manager.preflight(create)
        assert not findings, findings
        self.carry_out(create)

    def change_and_delete(self) -> None:
        """Change everything of the cluster, and delete it. Raise AssertionError if any order fails."""
        offered = self._find_offered()
        for order in self._list_changes():
            if order.kind in offered:
                self.carry_out(order)
        self._query()
        self._clean(offered)
        self._let_follow(offered)
        self._register_again(offered)
        self.carry_out(self._build(DeleteCluster, volumes=VolumeFate.DELETE))
        missed = offered - {*self.performed, CreateCluster.kind}
        assert not missed, f"offered, and never ordered: {sorted(missed)}"

    def _find_offered(self) -> set[str]:
        """Return what the owner of the cluster carries out: with MIGRATION each of both can do its own."""
        owner = self.manager.owner(self.cluster).engine
        return {*self.manager.capabilities().owners[owner]} - self.left_out

    def carry_out(self, order: Order) -> Operation:
        """Give an order, twice as a client does that got no answer, and wait until it is done."""
        operation = self.manager.submit(order)
        assert self.manager.submit(order).id == operation.id, "one order, two operations"
        while not operation.state.is_final:
            operation = self.manager.wait(operation.id, operation.sequence, 20)
        assert operation.state is OperationState.DONE, operation
        self.performed.append(order.kind)
        self.tell(f"{order.kind}: done")
        return operation

    def _build(self, order_type: type[Order], **values: Any) -> Order:
        order: Order = build_order(order_type, cluster=self.cluster, **values)
        return order

    def _list_changes(self) -> Iterator[Order]:
        build = self._build
        yield build(AddInstance, flavor=FLAVOR, image=IMAGE, volume_gib=1)
        yield build(RenewInstance, instance="Slave0000")
        yield build(RotatePasswords)
        yield build(ResizeVolume, instance="Slave0000", size_gib=2)
        yield build(ResizeInstance, instance="Slave0001", flavor=OTHER_FLAVOR)
        yield build(MigrateInstance, instance="Slave0001")
        yield build(RestartInstance, instance="Slave0001")
        yield build(UpdateRuleCidr, group="database", rule=CLIENTS, network=NEW)
        yield build(CreateSecurityGroup, group="monitoring", rules=(MONITORING,))
        yield build(CreateRules, group="monitoring", rules=(BACKUP,))
        yield build(DeleteRules, group="monitoring", rules=(BACKUP,))
        yield build(DeleteSecurityGroup, group="monitoring")
        yield build(ReplaceInstance, instance="Slave0000")
        fate = VolumeFate.DELETE if Clean.kind in self.left_out else VolumeFate.KEEP
        yield build(DeleteInstance, instance="Slave0001", volume=fate)

    def _query(self) -> None:
        """Ask everything that can be asked. What the answers say has tests of its own."""
        manager, name = self.manager, self.cluster
        operation = manager.operations(name)[0]
        assert manager.operation(operation.id) == operation == manager.wait(operation.id, 0, 1)
        for final in (manager.cancel(operation.id), manager.retry(operation.id)):
            assert final == operation, "what is final never changes"
        assert manager.events(name)
        assert name in {each.name for each in manager.clusters()}
        assert [each.name for each in manager.instances(name)] == ["Master0000", "Slave0000"]
        assert NEW in {rule.network for group in manager.security_groups(name) for rule in group.rules}
        assert manager.owner(name).engine in {"natives", "orchestrator"}
        manager.audit()

    def _clean(self, offered: set[str]) -> None:
        """Delete a volume that an order has kept, by the name that an audit gives it. This takes two looks."""
        if Clean.kind not in offered:
            return
        [kept] = [each for each in self.manager.audit() if each.cluster == self.cluster]
        operation = self.carry_out(self._build(Clean, findings=(kept.id,)))
        assert operation.result[kept.id] == "deleted", operation
        assert not [each for each in self.manager.audit() if each.cluster == self.cluster]

    def _let_follow(self, offered: set[str]) -> None:
        """Let another cluster, a new one of the service, follow this one's source, and end that again."""
        if AdmitFollower.kind not in offered:
            return
        follower = Performance(self.manager, f"{self.cluster}-copy", self.tell)
        self.carry_out(self._build(AdmitFollower, follower=follower.cluster, follower_network=OLD))
        description = {**DESCRIPTION, "source": {"cluster": self.cluster}}
        follower.carry_out(follower._build(CreateCluster, description=description))
        follower.carry_out(follower._build(DeleteCluster, volumes=VolumeFate.DELETE))
        self.carry_out(self._build(RevokeFollower, follower=follower.cluster))

    def _register_again(self, offered: set[str]) -> None:
        """Let the manager forget the cluster's stack, and know it again."""
        for order_type in (UnregisterCluster, RegisterCluster):
            if order_type.kind in offered:
                self.carry_out(self._build(order_type))
