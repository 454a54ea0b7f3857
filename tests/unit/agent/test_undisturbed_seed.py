"""What comes while a seed is going on: a pause, another pass, another order, another document, another agent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.agent.pause import Pause
from guestagent.database.fake import FRESH_SERVER
from guestagent.metadata.document import Document, Source
from guestagent.seeding import SeedPhase, SeedRequest
from guestagent.seeding.state import WITHDRAWN
from tests.support.reconciled_node import REPLICA, USERS
from tests.support.seeded_node import SEEDED, SeededNode, build_document, get_state

PAUSE = Pause("alice", "2026-11-29T10:00:00+00:00", "a look at the disk")


@pytest.fixture
def node(tmp_path: Path) -> SeededNode:
    """A node whose seed is transferring data."""
    node = SeededNode(tmp_path)
    node.database.state = replace(FRESH_SERVER, data_directory="/var/lib/mysql/")
    node.converge(build_document())
    node.report_state(SeedPhase.TRANSFERRING, bytes_done=5 << 20)
    node.starts = 0
    return node


def read_request(node: SeededNode) -> SeedRequest:
    request = node.files.read_request()
    assert request is not None
    return request


def build_reseed() -> Document:
    return build_document(reseed=True)


@pytest.mark.parametrize("document", [build_document(), REPLICA], ids=["the same", "no donor"])
def test_a_seed_goes_on_during_a_pause(node: SeededNode, document: Document) -> None:
    node.read_pause = lambda: PAUSE

    report = node.converge(document)

    assert (node.starts > 0, node.database.applied_steps) == (True, [])
    assert read_request(node).id == node.read_record_id()
    assert get_state(report, "seed") is ConditionState.PENDING
    paused = next(each for each in report.readiness.conditions if each.name == "paused")
    assert "alice" in paused.actual


def test_no_seed_begins_during_a_pause_and_one_does_afterwards(tmp_path: Path) -> None:
    node = SeededNode(tmp_path)
    node.read_pause = lambda: PAUSE
    node.converge(build_document())
    during = node.files.read_request()

    node.read_pause = lambda: None
    node.converge(build_document())

    assert during is None
    assert node.files.read_request() is not None


def test_a_seed_that_ends_during_a_pause_is_followed_by_the_channel_after_it(node: SeededNode) -> None:
    node.read_pause = lambda: PAUSE
    node.report_state(SeedPhase.DONE)
    node.database.state = SEEDED
    node.converge(build_document())
    steps = list(node.database.applied_steps)

    node.read_pause = lambda: None
    report = node.converge(build_document())

    assert (steps, report.verdict) == ([], Verdict.READY)


def test_another_pass_or_another_agent_follows_the_same_seed(node: SeededNode) -> None:
    request = read_request(node)
    other = SeededNode(node.folder)

    report = other.converge(build_document())

    assert read_request(node) == request
    assert get_state(report, "seed") is ConditionState.PENDING
    assert other.database.applied_steps == []


def test_an_order_beside_a_seed_does_not_begin_another_one_after_it(node: SeededNode) -> None:
    node.files.order_reseed(discards_data=True)
    node.converge(build_document())
    node.report_state(SeedPhase.DONE)
    node.files.remove_request()
    node.database.state = SEEDED

    report = node.converge(build_document())

    assert (report.verdict, node.files.read_request()) == (Verdict.READY, None)


def test_an_order_for_a_withdrawn_seed_begins_one_when_that_is_undone(node: SeededNode) -> None:
    document = build_document(method="dump")
    node.converge(document)
    node.files.order_reseed(discards_data=False)
    node.converge(document)
    state = node.files.read_state()
    assert state is not None
    node.files.write_state(replace(state, phase=SeedPhase.FAILED, failure=WITHDRAWN))

    node.converge(document)

    assert str(read_request(node).method) == "dump"
    assert not node.files.has_reseed_order()


def test_another_source_reaches_the_worker(node: SeededNode) -> None:
    seed_id = node.read_record_id()
    document = replace(build_document(), source=Source("10.0.0.9", USERS[0]))

    node.converge(document)

    assert (read_request(node).id, read_request(node).donor.host) == (seed_id, "10.0.0.9")


def test_a_new_generation_adopts_the_seed(node: SeededNode) -> None:
    seed_id = node.read_record_id()
    node.converge(build_reseed(), task="generation 2")
    adopted = read_request(node).id
    node.report_state(SeedPhase.DONE)
    node.files.remove_request()
    node.database.state = SEEDED

    report = node.converge(build_reseed(), task="generation 2")

    assert (adopted, report.verdict, node.files.read_request()) == (seed_id, Verdict.READY, None)


def test_a_seed_that_has_failed_is_tried_again_in_a_new_generation(node: SeededNode) -> None:
    node.report_state(SeedPhase.FAILED, failure="no room")
    node.files.remove_request()

    node.converge(build_document(), task="generation 2")

    assert node.files.read_state() is None
    assert read_request(node).id == node.read_record_id()


def test_a_withdrawn_seed_is_shown_until_it_is_undone(node: SeededNode) -> None:
    report = node.converge(REPLICA)

    condition = report.readiness.worst_condition
    assert (condition.name, condition.state) == ("seed", ConditionState.PENDING)
    assert condition.actual.startswith("withdrawn while transferring: it is undone")


def test_a_withdrawn_seed_of_which_nothing_is_known_is_refused_by_name(tmp_path: Path) -> None:
    node = SeededNode(tmp_path)
    node.converge(build_document())  # of a server that does not tell where its data are
    node.files.folder.joinpath("state.json").write_text("{")

    report = node.converge(REPLICA)

    condition = report.readiness.worst_condition
    assert condition.state is ConditionState.FINAL
    assert condition.actual == f"the state of the seed cannot be read: {node.files.state_path} (not JSON)"
    assert f"remove {node.files.state_path}" in condition.advice
    assert node.database.applied_steps == []


def test_a_withdrawn_seed_whose_state_is_damaged_is_undone_by_the_journal(node: SeededNode) -> None:
    seed_id = node.read_record_id()
    node.files.state_path.write_text("{")

    node.converge(REPLICA)

    state = node.files.read_state()
    assert state is not None
    assert (state.id, state.data_directory, state.phase) == (seed_id, "/var/lib/mysql/", SeedPhase.SWAPPING)
    assert node.starts > 0
