"""Seconds from a document to its accepted SUCCESS: every contestant on both roles, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from guestagent.embedded.servers import FLAVOURS
from tests.bench.ready.contestants import CONTESTANTS, SCRIPT
from tests.bench.ready.costs import Cost, costs
from tests.bench.ready.stage import PATIENCE, REPLICA, ROLES, SOURCE, Place, Stage, caught_up, staged, written

KINDS = tuple(CONTESTANTS)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds in all, and of the phases that a SUCCESS of ours tells: server, apply, verify."""

    seconds: float
    phases: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant on one server in one role, every repetition."""

    flavour: str
    role: str
    kind: str
    took: tuple[Took, ...]

    @property
    def seconds(self) -> tuple[float, ...]:
        return tuple(each.seconds for each in self.took)


def measured(
    flavours: Sequence[str], repetitions: int, watched: float, say: Callable[[str], None]
) -> tuple[list[Row], list[Cost]]:
    """Interleaved, and each repetition begins with another contestant: what disturbs the machine disturbs all alike."""
    rows: list[Row] = []
    spent: list[Cost] = []
    for name in flavours:
        seen: dict[tuple[str, str], list[Took]] = {(role, kind): [] for role in ROLES for kind in KINDS}
        with staged(FLAVOURS[name]) as stage:
            played(stage, SCRIPT)  # the servers' first time is not counted for anybody
            for number in range(repetitions):
                first = number % len(KINDS)
                for kind in KINDS[first:] + KINDS[:first]:
                    for role, took in played(stage, kind).items():
                        say(f"{name}, {role}, {kind}: {took.seconds:.3f} s")
                        seen[role, kind].append(took)
            spent += costs(stage, repetitions, watched)
        rows += [Row(name, role, kind, tuple(took)) for (role, kind), took in seen.items()]
    return rows, spent


def played(stage: Stage, kind: str) -> dict[str, Took]:
    """The source, and then the replica that follows it."""
    with stage.places() as places:
        source = timed(stage, kind, places[SOURCE])
        written(places[SOURCE])
        replica = timed(stage, kind, places[REPLICA])
        assert caught_up(places[REPLICA])
        return {SOURCE: source, REPLICA: replica}


def timed(stage: Stage, kind: str, place: Place) -> Took:
    with CONTESTANTS[kind](place) as command:
        started = time.monotonic()
        process = command.begin()
        told = stage.told(place.role, started + PATIENCE)
        assert process.wait(PATIENCE) == 0, command.said()
        assert told is not None, command.said()
        return Took(told.at - started, {} if kind == SCRIPT else told.data["seconds"])
