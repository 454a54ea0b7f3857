"""Measures the seconds from a document to its accepted SUCCESS, for every contestant in both roles."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from guestagent.embedded.database_servers import FLAVOURS
from tests.bench.ready.bench_nodes import (
    REPLICA,
    ROLES,
    SOURCE,
    SUCCESS_TIMEOUT_S,
    BenchNode,
    BenchPair,
    has_caught_up,
    insert_rows,
    open_pair,
)
from tests.bench.ready.contestants import CONTESTANTS, SCRIPT
from tests.bench.ready.costs import Cost, measure_costs

KINDS = tuple(CONTESTANTS)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds in total, and of the phases in the agent's SUCCESS: server, apply, verify."""

    seconds: float
    phases: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """One contestant on one server in one role, every repetition."""

    flavour: str
    role: str
    kind: str
    took: tuple[Timing, ...]

    @property
    def seconds(self) -> tuple[float, ...]:
        return tuple(each.seconds for each in self.took)


def measure_contestants(
    flavours: Sequence[str], repetitions: int, watched: float, say: Callable[[str], None]
) -> tuple[list[ReadyRow], list[Cost]]:
    """Start each repetition with another contestant, so that other load on the machine affects all alike."""
    rows: list[ReadyRow] = []
    spent: list[Cost] = []
    for name in flavours:
        timings: dict[tuple[str, str], list[Timing]] = {(role, kind): [] for role in ROLES for kind in KINDS}
        with open_pair(FLAVOURS[name]) as stage:
            run_contestant(stage, SCRIPT)  # the servers' first time is not counted for anybody
            for number in range(repetitions):
                first = number % len(KINDS)
                for kind in KINDS[first:] + KINDS[:first]:
                    for role, took in run_contestant(stage, kind).items():
                        say(f"{name}, {role}, {kind}: {took.seconds:.3f} s")
                        timings[role, kind].append(took)
            spent += measure_costs(stage, repetitions, watched)
        rows += [ReadyRow(name, role, kind, tuple(took)) for (role, kind), took in timings.items()]
    return rows, spent


def run_contestant(stage: BenchPair, kind: str) -> dict[str, Timing]:
    """Time the source, and then its replica."""
    with stage.open_nodes() as places:
        source = time_node(stage, kind, places[SOURCE])
        insert_rows(places[SOURCE])
        replica = time_node(stage, kind, places[REPLICA])
        assert has_caught_up(places[REPLICA])
        return {SOURCE: source, REPLICA: replica}


def time_node(stage: BenchPair, kind: str, place: BenchNode) -> Timing:
    with CONTESTANTS[kind](place) as command:
        started = time.monotonic()
        process = command.start()
        success = stage.wait_for_success(place.role, started + SUCCESS_TIMEOUT_S)
        assert process.wait(SUCCESS_TIMEOUT_S) == 0, command.read_log()
        assert success is not None, command.read_log()
        return Timing(success.received_at - started, {} if kind == SCRIPT else success.data["seconds"])
