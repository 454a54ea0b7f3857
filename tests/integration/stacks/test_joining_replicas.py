"""A replica that joins a stack of the embedded cloud: what both nodes are told, and what is left afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, Node, NodeChanged, NodeState, Passwords, Stacks
from guestagent.controller.seed import compute_fingerprint
from guestagent.embedded import Serving
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from guestagent.errors import InvalidCluster, StackFailed
from guestagent.metadata import Document, parse
from tests.support.polling import wait_until
from tests.support.signalling_guests import SignallingHypervisor

# openstacksdk warns of itself at every connect and request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

NODE = Node("m1.small", "guestagent-mariadb")
GIB = 1 << 30
STACK_TIMEOUT_S = 120.0


def create(stacks: Stacks, dialect: Dialect, **settings: Any) -> None:
    cluster = Cluster.new(source=NODE, replicas=[NODE], subnet=SUBNET_ID, dialect=dialect, **settings)
    stacks.wait(stacks.create("db", cluster), STACK_TIMEOUT_S)


def change(stacks: Stacks, operation: Callable[[Cluster], Cluster]) -> Cluster:
    stacks.wait(stacks.change("db", operation), STACK_TIMEOUT_S)
    return stacks.cluster("db")


def add_replica(cluster: Cluster) -> Cluster:
    return cluster.add_replica(NODE)


def read_document(guests: SignallingHypervisor, node: str, generation: int) -> Document:
    """Return the node's document as Heat delivers it in this generation."""
    wait_until(lambda: guests.documents.get(node, {}).get("GuestAgent", {}).get("Generation") == generation)
    return parse(guests.documents[node])


def list_open_ports(cloud: Serving) -> set[object]:
    """List the ports that the rules of groups open."""
    return {rule.attributes.get("port_range_max") for rule in cloud.cloud.compute.networking.list_rules()} - {
        None
    }


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("passwords", Passwords)
def test_source_and_replica_get_one_account_and_one_certificate(
    guests: SignallingHypervisor, stacks: Stacks, dialect: Dialect, passwords: Passwords
) -> None:
    guests.evidence |= {"data_bytes": GIB, "log_bytes": 5 * GIB, "disk_bytes": 2 * GIB, "family": "MariaDB"}
    create(stacks, dialect, passwords=passwords, verification="verifier")

    cluster = change(stacks, add_replica)

    source, replica = read_document(guests, "Master0000", 2), read_document(guests, "Slave0001", 1)
    donor, seeding = source.section.donor, replica.section.seeding
    assert donor is not None
    assert seeding.donor is not None
    assert donor.replicas[0].user == seeding.donor.user
    assert len(seeding.donor.user.password.reveal()) == 30
    assert seeding.donor.user.password not in [user.password for user in source.users]
    assert compute_fingerprint(str(donor.certificate)) == seeding.donor.fingerprint
    assert donor.key is not None
    assert "PRIVATE KEY" in donor.key.reveal()
    assert (seeding.data_bytes, seeding.log_bytes, seeding.deadline) == (GIB, 5 * GIB, 300)
    assert source.section.verification == replica.section.verification
    assert cluster.donor_certificate == donor.certificate


@pytest.mark.parametrize("dialect", Dialect)
def test_the_port_is_open_between_the_nodes_until_the_change_after_the_replica_has_joined(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks, dialect: Dialect
) -> None:
    create(stacks, dialect)
    ports_before = list_open_ports(cloud)

    change(stacks, add_replica)
    ports_while_joining = list_open_ports(cloud)
    change(stacks, lambda cluster: cluster.renew("Slave0000"))

    assert ports_while_joining == ports_before | {4444}
    assert list_open_ports(cloud) == ports_before
    assert guests.documents["Master0000"]["GuestAgent"].get("Donor") is None
    assert cloud.dangerous_reads == []


def test_a_long_seed_is_signalled_with_a_login(guests: SignallingHypervisor, stacks: Stacks) -> None:
    guests.evidence["data_bytes"] = 100 * GIB
    create(stacks, Dialect.HOT)
    events: list[object] = []

    stacks.wait(stacks.change("db", add_replica), STACK_TIMEOUT_S, events.append)

    assert '"auth_url"' in guests.documents["Slave0001"]["ReadyWaitCondition"]
    assert '"auth_url"' not in guests.documents["Slave0000"]["ReadyWaitCondition"]
    assert [node.state for node in stacks.status("db").nodes] == [NodeState.READY] * 3
    seeding_nodes = {each.name for each in events if isinstance(each, NodeChanged) and each.expected_s}
    assert seeding_nodes <= {"Slave0001"}


def test_in_cfn_a_long_seed_is_refused_and_the_stack_stays_as_it_was(
    guests: SignallingHypervisor, stacks: Stacks
) -> None:
    guests.evidence["data_bytes"] = 100 * GIB
    create(stacks, Dialect.CFN)

    with pytest.raises(InvalidCluster, match="a signed URL expires after auth_ttl"):
        stacks.change("db", add_replica)

    assert stacks.status("db").stack.status == "CREATE_COMPLETE"


@pytest.mark.parametrize("dialect", Dialect)
def test_a_reseed_is_ordered_once_with_a_new_password(
    guests: SignallingHypervisor, stacks: Stacks, dialect: Dialect
) -> None:
    create(stacks, dialect)

    change(stacks, lambda cluster: cluster.reseed("Slave0000", discard=True))
    ordered = read_document(guests, "Slave0000", 2)
    change(stacks, lambda cluster: cluster.reseed("Slave0000"))
    again = read_document(guests, "Slave0000", 3)

    assert (ordered.section.seeding.reseed, ordered.section.seeding.discard) == (True, True)
    assert (again.section.seeding.reseed, again.section.seeding.discard) == (True, False)
    assert ordered.section.seeding.donor is not None
    assert again.section.seeding.donor is not None
    assert ordered.section.seeding.donor.user != again.section.seeding.donor.user
    assert len([about for call, about in guests.calls if call == "boot"]) == 2


def test_a_replica_whose_seed_failed_gets_the_same_donor_in_its_next_generation(
    guests: SignallingHypervisor, stacks: Stacks
) -> None:
    create(stacks, Dialect.HOT)
    guests.failure_reasons["Slave0001"] = "the seed failed"
    with pytest.raises(StackFailed):
        change(stacks, add_replica)
    first = read_document(guests, "Slave0001", 1)
    guests.failure_reasons.clear()

    change(stacks, lambda cluster: cluster)

    second = read_document(guests, "Slave0001", 2)
    assert replace(second.section, generation=1) == first.section
