"""How long a stack takes from the request to CREATE_COMPLETE, and from there to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.templates import CFN, HOT, PLAIN, build_template
from tests.contract.heat import ContractStack, HeatClient

KINDS = (PLAIN, CFN, HOT)


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """Seconds of each repetition that came to its end, and how many did not."""

    replicas: int
    kind: str
    created: tuple[float, ...]
    deleted: tuple[float, ...]
    hung: int = 0


@dataclass(frozen=True, slots=True)
class StackTimes:
    """Seconds until one stack was complete, and from there until it was gone."""

    created: float
    deleted: float


@dataclass(frozen=True, slots=True)
class ClusterBench:
    """Stacks on one Heat. A stack that is not complete after `patience` seconds has hung: a result like another."""

    heat: HeatClient
    timeout_s: float
    report: Callable[[str], None]

    def measure(self, sizes: Sequence[int], kinds: Sequence[str], repetitions: int) -> list[ClusterRow]:
        """Interleaved: each repetition has every kind once, so that a busy machine is busy for all of them."""
        rows = []
        for replicas in sizes:
            seen: dict[str, list[StackTimes | None]] = {kind: [] for kind in kinds}
            for _ in range(repetitions):
                for kind in kinds:
                    seen[kind].append(self.measure_stack(kind, replicas))
            rows += [build_row(replicas, kind, lives) for kind, lives in seen.items()]
        return rows

    def measure_stack(self, kind: str, replicas: int) -> StackTimes | None:
        """Only the harmless stack list is read meanwhile. None where the stack hung; it is gone afterwards."""
        started = time.monotonic()
        stack = self.heat.create_stack(build_template(kind, replicas, self.heat.subnet))
        complete = self.wait_for_state(stack, lambda state: not state.endswith("IN_PROGRESS"))
        created = time.monotonic()
        if complete:
            assert stack.read_state() == "CREATE_COMPLETE", stack.wait_for_outcome()
        stack.delete()
        assert self.wait_for_state(stack, lambda state: state == "GONE"), f"{stack.name}: {stack.read_row()}"
        life = StackTimes(created - started, time.monotonic() - created)
        told = (
            f"created in {life.created:.1f} s" if complete else f"not complete after {self.timeout_s:.0f} s"
        )
        self.report(f"1 + {replicas}, {kind}: {told}, deleted in {life.deleted:.1f} s")
        return life if complete else None

    def wait_for_state(self, stack: ContractStack, holds: Callable[[str], bool]) -> bool:
        """Whether it came to hold in time. The watch behind it reads the list five times a second."""
        end = time.monotonic() + self.timeout_s
        while not holds(stack.read_state()):
            if time.monotonic() > end:
                return False
        return True


def build_row(replicas: int, kind: str, lives: Sequence[StackTimes | None]) -> ClusterRow:
    ended = [life for life in lives if life]
    created, deleted = tuple(life.created for life in ended), tuple(life.deleted for life in ended)
    return ClusterRow(replicas, kind, created, deleted, len(lives) - len(ended))
