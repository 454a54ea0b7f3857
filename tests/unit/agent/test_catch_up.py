"""The deadline of a replica that joins: it is extended while the channel executes what the replica lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.journal import Journal
from guestagent.agent.model import Condition, ConditionState, Readiness
from guestagent.agent.seed_coordinator import SeedCoordinator
from guestagent.metadata.document import Document, Donor, Seeding, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.reconciled_node import REPLICA

DONOR = Donor(User("donor0001", Secret("s3cret")))
HELD, PENDING, FINAL = ConditionState.HELD, ConditionState.PENDING, ConditionState.FINAL


def build_document(donor: Donor | None) -> Document:
    section = replace(REPLICA.section, seeding=Seeding(donor=donor, deadline=600))
    return replace(REPLICA, section=section)


def build_readiness(**states: ConditionState) -> Readiness:
    return Readiness.from_conditions(
        *(Condition(name, state, "as expected", "something") for name, state in states.items())
    )


def compute_extension(folder: Path, donor: Donor | None, readiness: Readiness) -> float:
    journal = Journal(folder / "journal.json", FakeClock())
    return SeedCoordinator(build_document(donor), "task", None, journal).compute_extension(readiness)


LAGGING = build_readiness(source=HELD, receiver=HELD, applier=HELD, lag=PENDING, history=PENDING)


def test_a_replica_that_joins_may_catch_up_as_long_as_a_copy_may_take(tmp_path: Path) -> None:
    assert compute_extension(tmp_path, DONOR, LAGGING) == 600


def test_one_that_has_joined_may_not(tmp_path: Path) -> None:
    assert compute_extension(tmp_path, None, LAGGING) == 0


@pytest.mark.parametrize(
    "readiness",
    [
        build_readiness(source=PENDING),
        build_readiness(receiver=PENDING, history=PENDING),
        build_readiness(receiver=HELD, applier=PENDING, lag=PENDING),
        build_readiness(receiver=HELD, lag=PENDING, history=FINAL),
    ],
)
def test_what_does_not_pass_by_catching_up_does_not_extend_it(tmp_path: Path, readiness: Readiness) -> None:
    assert compute_extension(tmp_path, DONOR, readiness) == 0
