"""Measures the time from the request for a stack to CREATE_COMPLETE, and the time of its deletion."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.templates import CFN, HOT, PLAIN, build_template
from tests.contract.heat import ContractStack, HeatClient

KINDS = (PLAIN, CFN, HOT)


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """Seconds of each repetition that completed, and the number of those that did not."""

    replicas: int
    kind: str
    created: tuple[float, ...]
    deleted: tuple[float, ...]
    hung: int = 0


@dataclass(frozen=True, slots=True)
class StackTimes:
    """Seconds until a stack was complete, and seconds of its deletion."""

    created: float
    deleted: float


@dataclass(frozen=True, slots=True)
class ClusterBench:
    """Creates and deletes stacks on one Heat. A stack that is not complete after the timeout counts as hung."""

    heat: HeatClient
    timeout_s: float
    report: Callable[[str], None]

    def measure(self, sizes: Sequence[int], kinds: Sequence[str], repetitions: int) -> list[ClusterRow]:
        """Measure every kind once in each repetition, so that other load on the machine affects all alike."""
        rows = []
        for replicas in sizes:
            lives_by_kind: dict[str, list[StackTimes | None]] = {kind: [] for kind in kinds}
            for _ in range(repetitions):
                for kind in kinds:
                    lives_by_kind[kind].append(self.measure_stack(kind, replicas))
            rows += [build_row(replicas, kind, lives) for kind, lives in lives_by_kind.items()]
        return rows

    def measure_stack(self, kind: str, replicas: int) -> StackTimes | None:
        """Create and delete a stack; return None if it hung. Only the stack list is read, which has no side effects."""
        started = time.monotonic()
        stack = self.heat.create_stack(build_template(kind, replicas, self.heat.subnet))
        complete = self.wait_for_state(stack, lambda state: not state.endswith("IN_PROGRESS"))
        created = time.monotonic()
        if complete:
            assert stack.read_state() == "CREATE_COMPLETE", stack.wait_for_outcome()
        stack.delete()
        assert self.wait_for_state(stack, lambda state: state == "GONE"), f"{stack.name}: {stack.read_row()}"
        life = StackTimes(created - started, time.monotonic() - created)
        report_line = (
            f"created in {life.created:.1f} s" if complete else f"not complete after {self.timeout_s:.0f} s"
        )
        self.report(f"1 + {replicas}, {kind}: {report_line}, deleted in {life.deleted:.1f} s")
        return life if complete else None

    def wait_for_state(self, stack: ContractStack, holds: Callable[[str], bool]) -> bool:
        """Return whether the stack reached the state in time. The list is read five times a second."""
        end = time.monotonic() + self.timeout_s
        while not holds(stack.read_state()):
            if time.monotonic() > end:
                return False
        return True


def build_row(replicas: int, kind: str, lives: Sequence[StackTimes | None]) -> ClusterRow:
    complete_lives = [life for life in lives if life]
    created, deleted = (
        tuple(life.created for life in complete_lives),
        tuple(life.deleted for life in complete_lives),
    )
    return ClusterRow(replicas, kind, created, deleted, len(lives) - len(complete_lives))
