"""A replica whose seed is not wanted any more: nothing half-copied is used, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.database.fake import FRESH_SERVER
from guestagent.metadata.document import Document
from guestagent.seeding import SeedMethod, SeedPhase
from guestagent.seeding.state import WITHDRAWN
from tests.support.reconciled_node import REPLICA, SOURCE, UPSTREAM
from tests.support.seeded_node import SeededNode, build_document, get_state


@pytest.fixture
def node(tmp_path: Path) -> SeededNode:
    return SeededNode(tmp_path)


@pytest.mark.parametrize(
    "document", [REPLICA, SOURCE, build_document(method="replay")], ids=["no donor", "source", "replay"]
)
def test_half_copied_data_are_not_used_when_no_copy_is_wanted_any_more(
    node: SeededNode, document: Document
) -> None:
    node.converge(build_document())
    node.marker = node.read_record_id()
    node.files.remove_request()
    node.database.state = replace(FRESH_SERVER, schemas=("shop",))

    report = node.converge(document)

    condition = report.readiness.worst_condition
    assert (condition.name, condition.state) == ("seed", ConditionState.FINAL)
    assert node.database.applied_steps == []


def test_data_that_come_without_an_abandoned_seed_are_not_taken_for_its_own(node: SeededNode) -> None:
    node.converge(build_document())
    node.marker = node.read_record_id()
    node.converge(REPLICA)
    node.database.state = replace(node.database.state, schemas=("shop",), history=UPSTREAM)

    report = node.converge(build_document())

    assert report.verdict is Verdict.READY
    assert node.files.read_request() is None


@pytest.mark.parametrize("document", [REPLICA, SOURCE], ids=["no donor", "source"])
def test_the_server_is_left_alone_until_the_worker_of_a_withdrawn_seed_has_ended(
    node: SeededNode, document: Document
) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.SWAPPING)
    node.starts = 0

    during = node.converge(document)
    steps = list(node.database.applied_steps)
    state = node.files.read_state()
    assert state is not None
    node.files.write_state(replace(state, phase=SeedPhase.FAILED, failure=WITHDRAWN))
    after = node.converge(document)

    assert get_state(during, "seed") is ConditionState.PENDING
    assert (node.files.read_request(), node.starts > 0, steps) == (None, True, [])
    assert after.verdict is Verdict.READY


def test_an_unreadable_request_is_withdrawn_and_written_again(node: SeededNode) -> None:
    node.converge(build_document())
    node.report_state(SeedPhase.TRANSFERRING)
    (node.files.folder / "request.json").write_text("{")
    node.converge(build_document())
    state = node.files.read_state()
    assert state is not None
    node.files.write_state(replace(state, phase=SeedPhase.FAILED, failure=WITHDRAWN))

    node.converge(build_document())

    assert node.read_record_id() == state.id


def test_another_method_in_the_document_begins_another_seed(node: SeededNode) -> None:
    node.converge(build_document(method="backup"))
    node.report_state(SeedPhase.TRANSFERRING)
    node.converge(build_document(method="dump"))
    during = node.files.read_request()
    state = node.files.read_state()
    assert state is not None
    node.files.write_state(replace(state, phase=SeedPhase.FAILED, failure=WITHDRAWN))

    node.converge(build_document(method="dump"))

    request = node.files.read_request()
    assert (during, request is not None and request.method) == (None, SeedMethod.DUMP)


def test_a_seed_that_has_discarded_the_old_data_keeps_its_method(node: SeededNode) -> None:
    node.converge(build_document(method="backup", discard=True))
    node.report_state(SeedPhase.TRANSFERRING)

    node.converge(build_document(method="dump", discard=True))

    request = node.files.read_request()
    assert request is not None
    assert request.method is SeedMethod.BACKUP
