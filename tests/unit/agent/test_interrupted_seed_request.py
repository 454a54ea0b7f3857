"""An agent that is killed between any two changes of a seed's files requests the seed once, and no other one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.outcome import Verdict
from guestagent.database.fake import SimulatedCrash
from guestagent.metadata.document import Document
from guestagent.seeding import SeedFiles, SeedPhase, SeedRequest
from tests.support.agent_states import build_history
from tests.support.reconciled_node import run_with_crash
from tests.support.seeded_node import SEEDED, SeededNode, build_document

ERRANT = replace(SEEDED, history=build_history("0-9-9"))


class MortalFiles(SeedFiles):
    """Files of a seed whose agent is killed before the change of a number."""

    def __init__(self, state_folder: Path, fatal_change: int) -> None:
        super().__init__(state_folder)
        self.rest = fatal_change

    def write_request(self, request: SeedRequest) -> None:
        self._change(lambda: super(MortalFiles, self).write_request(request))

    def remove_request(self) -> None:
        self._change(super().remove_request)

    def forget_state(self) -> None:
        self._change(super().forget_state)

    def remove_reseed_order(self) -> None:
        self._change(super().remove_reseed_order)

    def _change(self, change: Callable[[], None]) -> None:
        if self.rest == 0:
            raise SimulatedCrash
        self.rest -= 1
        change()


def let_agent_die(node: SeededNode, fatal_change: int) -> None:
    files = MortalFiles(node.folder, fatal_change)
    access = node.seed_access
    assert access is not None
    node.seed_access = replace(access, files=files)


def revive_agent(node: SeededNode) -> None:
    access = node.seed_access
    assert access is not None
    node.seed_access = replace(access, files=node.files)


def carry_out_seeds(node: SeededNode, document: Document) -> list[str]:
    """Run passes, and a worker between them, until no seed is requested any more. Return the ids of the seeds."""
    ids: list[str] = []
    for _ in range(5):
        node.converge(document)
        request = node.files.read_request()
        if request is None:
            break
        ids.append(request.id)
        node.report_state(SeedPhase.DONE)
        node.files.remove_request()
        node.database.state = SEEDED
    return ids


def prepare_order(node: SeededNode) -> Document:
    """A person has ordered new data for a replica with data of its own."""
    node.database.state = ERRANT
    node.files.order_reseed(discards_data=False)
    return build_document()


def prepare_second_order(node: SeededNode) -> Document:
    """A person has ordered new data again, after the first seed has failed."""
    document = prepare_order(node)
    node.converge(document)
    node.report_state(SeedPhase.FAILED, failure="no room")
    node.files.remove_request()
    node.files.order_reseed(discards_data=False)
    return document


def prepare_order_after_seed(node: SeededNode) -> Document:
    """A person has ordered new data for a replica that was seeded before."""
    node.converge(build_document())
    node.report_state(SeedPhase.DONE)
    node.files.remove_request()
    return prepare_order(node)


def prepare_document(node: SeededNode) -> Document:
    """The document asks for new data."""
    node.database.state = ERRANT
    return build_document(reseed=True)


def prepare_empty_server(node: SeededNode) -> Document:
    return build_document()


@pytest.mark.parametrize(
    "prepare",
    [prepare_empty_server, prepare_document, prepare_order, prepare_second_order, prepare_order_after_seed],
)
def test_a_seed_is_requested_once_whatever_the_agent_s_last_change(
    tmp_path: Path, prepare: Callable[[SeededNode], Document]
) -> None:
    for change in itertools.count():
        folder = tmp_path / str(change)
        folder.mkdir()
        node = SeededNode(folder)
        document = prepare(node)
        let_agent_die(node, change)
        has_crashed = run_with_crash(node, document)
        revive_agent(node)

        ids = carry_out_seeds(node, document)

        assert len(ids) == 1, f"killed before change {change}"
        assert node.converge(document).verdict is Verdict.READY
        if not has_crashed:
            break
    assert change >= 2


def test_a_damaged_order_keeps_the_old_data(tmp_path: Path) -> None:
    node = SeededNode(tmp_path)
    document = prepare_order(node)
    (node.files.folder / "reseed.json").write_text("{")

    node.converge(document)

    request = node.files.read_request()
    assert request is not None
    assert (request.replaces_data, request.discards_data) == (True, False)
