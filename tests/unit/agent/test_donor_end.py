"""The donor of a source in every kind of pass: neither its port nor its account outlives the seed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.donor_service import DonorAccess
from guestagent.agent.outcome import Verdict
from guestagent.agent.pause import Pause
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.database.fake import FakeDatabase
from guestagent.database.state import ServerState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import DataVolume, Document, DonorService, JoiningReplica, User
from guestagent.secret import Secret
from guestagent.seeding.donor.configuration import read_configuration, read_lease_stamp
from tests.support.reconciled_node import REPLICA, SOURCE, FakeNode

DUMPED = JoiningReplica("Slave0000", User("dumped", Secret("one")), "slave0000", "dump")
STREAMED = JoiningReplica("Slave0001", User("streamed", Secret("two")), "slave0001", "backup")
LATER = JoiningReplica("Slave0002", User("later", Secret("three")), "slave0002", "backup")
PAUSE = Pause("operator", "2026-11-29T12:00:00Z")
LONG_AGO_NS = 10**18


def build_document(*replicas: JoiningReplica) -> Document:
    donor = DonorService(replicas) if replicas else None
    return replace(SOURCE, section=replace(SOURCE.section, donor=donor))


DOCUMENT = build_document(DUMPED, STREAMED)


class SilentDatabase(FakeDatabase):
    def observe(self) -> ServerState:
        raise DatabaseUnreachable("no answer")


class DonorNode(FakeNode):
    """A source that is the donor of two replicas: of one by its account, of the other by its port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FakeDatabase())
        self.file = folder / "donor" / "donor.json"
        self.donor_access = DonorAccess(self.file, "/run/s")
        assert self.converge(DOCUMENT).verdict is Verdict.READY

    @property
    def names(self) -> list[str]:
        return [account.account.name for account in self.database.state.accounts]

    @property
    def served_nodes(self) -> list[str]:
        configuration = read_configuration(self.file)
        return [] if configuration is None else [each.node for each in configuration.replicas]

    def connect_replicas(self, *users: str, **changes: object) -> None:
        state = replace(self.database.state, replica_users=frozenset(users), **changes)  # type: ignore[arg-type]
        self.database = FakeDatabase(state)

    def age_lease(self) -> None:
        os.utime(self.file, ns=(LONG_AGO_NS, LONG_AGO_NS))

    def has_renewed_lease(self) -> bool:
        stamp = read_lease_stamp(self.file)
        return stamp is not None and stamp[0] != LONG_AGO_NS


@pytest.fixture
def node(tmp_path: Path) -> DonorNode:
    return DonorNode(tmp_path)


def test_both_ways_are_open_while_replicas_wait(node: DonorNode) -> None:
    assert ("dumped" in node.names, node.served_nodes) == (True, ["Slave0001"])


def test_a_pass_that_is_refused_ends_the_donor_of_seeds_that_are_over(node: DonorNode) -> None:
    node.connect_replicas("slave0000", "slave0001", gtid=False)

    report = node.converge(DOCUMENT)

    assert report.readiness.worst_condition.name == "GTID"
    assert ("dumped" in node.names, node.served_nodes) == (False, [])


def test_a_pass_that_is_refused_leaves_the_donor_of_a_waiting_replica(node: DonorNode) -> None:
    node.connect_replicas("slave0000", gtid=False)
    node.age_lease()

    node.converge(DOCUMENT)

    assert ("dumped" in node.names, node.served_nodes) == (False, ["Slave0001"])
    assert node.has_renewed_lease()


def test_a_pass_that_is_refused_admits_no_other_replica(node: DonorNode) -> None:
    node.connect_replicas(gtid=False)

    node.converge(build_document(DUMPED, STREAMED, LATER))

    assert node.served_nodes == ["Slave0001"]


def test_a_pass_that_is_refused_admits_nobody_with_a_former_password(node: DonorNode) -> None:
    node.connect_replicas(gtid=False)
    changed = replace(STREAMED, user=User("streamed", Secret("another")))

    node.converge(build_document(DUMPED, changed))

    assert node.served_nodes == []


def test_a_refused_source_whose_log_could_not_replicate_the_drop_keeps_the_account(node: DonorNode) -> None:
    node.connect_replicas("slave0000", "slave0001", binary_log=False)

    node.converge(DOCUMENT)

    assert ("dumped" in node.names, node.served_nodes) == (True, [])


def test_a_refused_pass_drops_no_other_account(node: DonorNode) -> None:
    node.connect_replicas("slave0000", "slave0001", gtid=False)

    node.converge(replace(DOCUMENT, users=()))

    assert node.names == ["slave0000", "slave0001"]


def test_a_pause_closes_the_port_and_withholds_the_drop_of_the_account(node: DonorNode) -> None:
    node.connect_replicas("slave0000", "slave0001")
    node.read_pause = lambda: PAUSE

    readiness = node.build_reconciler(DOCUMENT).run_pass()

    assert ("dumped" in node.names, node.served_nodes) == (True, [])
    assert "drop the account dumped@%" in readiness.worst_condition.expected


def test_a_pause_cuts_no_stream(node: DonorNode) -> None:
    node.read_pause = lambda: PAUSE
    node.age_lease()

    node.build_reconciler(DOCUMENT).run_pass()

    assert (node.served_nodes, node.has_renewed_lease()) == (["Slave0001"], True)


def test_a_source_without_its_volume_ends_the_donor_that_its_document_does_not_name(node: DonorNode) -> None:
    node.observe_volume = lambda: VolumeObservation(defect="damaged")
    document = build_document()
    document = replace(document, section=replace(document.section, volume=DataVolume("a disk", 10)))

    report = node.converge(document)

    assert report.readiness.worst_condition.name == "data volume"
    assert node.served_nodes == []


def test_a_server_that_does_not_answer_keeps_no_replica_that_has_left_the_document(node: DonorNode) -> None:
    node.database = SilentDatabase(node.database.state)

    node.build_reconciler(build_document(DUMPED)).run_pass()

    assert node.served_nodes == []


def test_a_server_that_does_not_answer_lets_the_lease_of_the_donor_end(node: DonorNode) -> None:
    node.database = SilentDatabase(node.database.state)
    node.age_lease()

    node.build_reconciler(DOCUMENT).run_pass()

    assert (node.served_nodes, node.has_renewed_lease()) == (["Slave0001"], False)


def test_a_source_that_becomes_a_replica_is_no_donor(node: DonorNode) -> None:
    node.build_reconciler(REPLICA).run_pass()

    assert node.served_nodes == []


def test_a_source_that_has_lost_its_journal_is_no_donor(node: DonorNode) -> None:
    for path in node.folder.glob("journal*.json"):
        path.write_bytes(b"damaged")

    report = node.converge(DOCUMENT)

    assert report.readiness.worst_condition.name == "journal"
    assert node.served_nodes == []


def test_a_configuration_that_cannot_be_read_is_removed(node: DonorNode) -> None:
    node.file.write_bytes(b"damaged")
    node.connect_replicas(gtid=False)

    node.converge(DOCUMENT)

    assert not node.file.exists()
