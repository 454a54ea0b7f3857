"""A pass of a replica that gets its data from a donor: it requests the seed, follows it, and takes it over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.evidence import collect_evidence
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.database.fake import FRESH_SERVER
from guestagent.database.state import SourceState
from guestagent.database.steps import PointChannel
from guestagent.metadata.document import Seeding, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.agent_states import build_history
from tests.support.reconciled_node import (
    REPLICA,
    SOURCE_STATE,
)
from tests.support.seeded_node import DONOR, SEEDED, SeededNode, build_document, get_state


@pytest.fixture
def node(tmp_path: Path) -> SeededNode:
    return SeededNode(tmp_path)


def test_an_empty_replica_requests_a_seed_and_gets_no_channel(node: SeededNode) -> None:
    report = node.converge(build_document())

    request = node.files.read_request()
    assert request is not None
    assert (request.method, request.donor.host, request.donor.stream_port) == (
        SeedMethod.BACKUP,
        "10.0.0.7",
        4444,
    )
    assert (request.donor.user, request.donor.password.reveal()) == ("donor0001", "s3cret")
    assert request.replaces_data is False
    assert node.starts > 0
    assert node.database.applied_steps == []
    assert (report.verdict, get_state(report, "seed")) == (Verdict.FAILED, ConditionState.PENDING)


def test_without_a_donor_the_logs_are_replayed(node: SeededNode) -> None:
    report = node.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert node.files.read_request() is None


def test_a_source_with_short_and_complete_logs_is_replayed(tmp_path: Path) -> None:
    node = SeededNode(tmp_path, replace(SOURCE_STATE, has_all_logs=True))

    report = node.converge(build_document(data_bytes=2**30, log_bytes=2**20))

    assert report.verdict is Verdict.READY
    assert node.files.read_request() is None


def test_nothing_is_decided_before_the_source_answers(tmp_path: Path) -> None:
    node = SeededNode(tmp_path, SourceState())

    report = node.converge(build_document())

    assert node.files.read_request() is None
    assert node.database.applied_steps == []
    assert get_state(report, "seed") is ConditionState.PENDING


def test_a_complete_seed_is_followed_by_the_channel(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.DONE, bytes_done=4096, position="0-7-5", phase_seconds={"transferring": 3.0})
    node.database.state = SEEDED

    report = node.converge(build_document())

    assert report.verdict is Verdict.READY
    assert any(isinstance(step, PointChannel) for step in node.database.applied_steps)
    evidence = collect_evidence(build_document(), report)
    assert evidence["seeding"] == "backup"
    assert evidence["seed"] == {"bytes": 4096, "position": "0-7-5", "seconds": {"transferring": 3.0}}


def test_a_seeded_replica_is_never_seeded_again(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.DONE)
    node.database.state = SEEDED
    node.converge(build_document())
    node.files.remove_request()

    report = node.converge(build_document())

    assert report.verdict is Verdict.READY
    assert node.files.read_request() is None


def test_a_seed_that_goes_on_leaves_the_server_alone(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.TRANSFERRING, bytes_done=5 << 20, bytes_total=10 << 20, rate=1 << 20)
    node.database.state = replace(FRESH_SERVER, history=build_history("0-9-9"))

    report = node.converge(build_document())

    condition = report.readiness.worst_condition
    assert (condition.name, condition.state) == ("seed", ConditionState.PENDING)
    assert condition.actual == "seed by backup: transferring, 5 of 10 MiB, 1 MiB/s, 5 s left"
    assert node.database.applied_steps == []


def test_a_seed_without_room_for_its_state_says_so(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.TRANSFERRING, bytes_done=5 << 20)
    access = node.seed_access
    assert access is not None
    node.seed_access = replace(access, has_room=lambda: False)

    report = node.converge(build_document())

    condition = report.readiness.worst_condition
    assert condition.actual == (
        f"seed by backup: transferring, 5 MiB; the disk of {node.files.folder} is full, and the seed waits for room"
    )
    assert (condition.state, condition.advice) == (ConditionState.PENDING, "free some space")


def test_a_failed_seed_fails_the_node_with_its_reason(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.FAILED, failure="no room", advice="use a larger disk")

    report = node.converge(build_document())

    condition = report.readiness.worst_condition
    assert (report.verdict, condition.state) == (Verdict.FAILED, ConditionState.FINAL)
    assert condition.actual == "backup failed: no room"
    assert condition.advice.startswith("use a larger disk; ")


def test_an_order_begins_another_seed_after_a_failed_one(node: SeededNode) -> None:
    node.converge(build_document())
    seed_id = node.read_record_id()
    node.report_state(SeedPhase.FAILED, failure="no room")
    node.files.remove_request()
    node.files.order_reseed(discards_data=False)

    node.converge(build_document())

    assert node.read_record_id() == seed_id
    assert node.files.read_state() is None
    assert not node.files.has_reseed_order()


def test_a_lost_request_is_written_again_for_the_same_seed(node: SeededNode) -> None:
    node.converge(build_document())
    seed_id = node.read_record_id()
    node.files.remove_request()

    node.converge(build_document())

    assert node.read_record_id() == seed_id


def test_half_copied_data_are_this_seeds_only_with_its_marker(node: SeededNode) -> None:
    node.converge(build_document())
    seed_id = node.read_record_id()
    node.files.remove_request()
    node.database.state = replace(FRESH_SERVER, schemas=("shop",))

    node.converge(build_document())
    assert node.files.read_request() is None

    node.marker = seed_id
    node.converge(build_document())
    assert node.read_record_id() == seed_id


def test_a_document_that_asks_for_new_data_gets_them_once(node: SeededNode) -> None:
    node.database.state = replace(SEEDED, history=build_history("0-9-9"))

    node.converge(build_document(reseed=True))

    request = node.files.read_request()
    assert request is not None
    assert (request.replaces_data, request.discards_data) == (True, False)
    node.report_state(SeedPhase.DONE)
    node.files.remove_request()
    node.database.state = SEEDED
    assert node.converge(build_document(reseed=True)).verdict is Verdict.READY
    assert node.files.read_request() is None


def test_errant_data_are_not_replaced_without_a_request(node: SeededNode) -> None:
    node.database.state = replace(SEEDED, history=build_history("0-9-9"))

    report = node.converge(build_document())

    assert node.files.read_request() is None
    assert report.readiness.is_final


def test_new_data_need_a_donor(node: SeededNode) -> None:
    section = replace(REPLICA.section, seeding=Seeding(reseed=True))
    node.database.state = SEEDED

    report = node.converge(replace(REPLICA, section=section))

    assert report.readiness.worst_condition.actual == "no Seeding.Donor in the document"


def test_a_new_password_of_the_donor_reaches_the_worker(node: SeededNode) -> None:
    node.converge(build_document())
    donor = replace(DONOR, user=User("donor0001", Secret("n3w")))

    node.converge(replace(REPLICA, section=replace(build_document().section, seeding=Seeding(donor=donor))))

    request = node.files.read_request()
    assert request is not None
    assert request.donor.password.reveal() == "n3w"


def test_the_seconds_of_a_seed_extend_the_deadline(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.TRANSFERRING, elapsed_s=1000.0)
    clock = node.clock
    assert isinstance(clock, FakeClock)
    begin = clock.now()

    node.converge(build_document(deadline=500))

    assert clock.now() - begin > 400
