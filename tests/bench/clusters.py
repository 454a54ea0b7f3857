"""How long a stack takes from the request to CREATE_COMPLETE, and from there to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.templates import CFN, HOT, PLAIN, template
from tests.contract.heat import Heat, Stack

KINDS = (PLAIN, CFN, HOT)


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds of each repetition that came to its end, and how many did not."""

    replicas: int
    kind: str
    created: tuple[float, ...]
    deleted: tuple[float, ...]
    hung: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    """Seconds until one stack was complete, and from there until it was gone."""

    created: float
    deleted: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Stacks on one Heat. A stack that is not complete after `patience` seconds has hung: a result like another."""

    heat: Heat
    patience: float
    say: Callable[[str], None]

    def measured(self, sizes: Sequence[int], kinds: Sequence[str], repetitions: int) -> list[Row]:
        """Interleaved: each repetition has every kind once, so that a busy machine is busy for all of them."""
        rows = []
        for replicas in sizes:
            seen: dict[str, list[Life | None]] = {kind: [] for kind in kinds}
            for _ in range(repetitions):
                for kind in kinds:
                    seen[kind].append(self.once(kind, replicas))
            rows += [row(replicas, kind, lives) for kind, lives in seen.items()]
        return rows

    def once(self, kind: str, replicas: int) -> Life | None:
        """Only the harmless stack list is read meanwhile. None where the stack hung; it is gone afterwards."""
        started = time.monotonic()
        stack = self.heat.stack(template(kind, replicas, self.heat.subnet))
        complete = self.until(stack, lambda state: not state.endswith("IN_PROGRESS"))
        created = time.monotonic()
        if complete:
            assert stack.state() == "CREATE_COMPLETE", stack.outcome()
        stack.delete()
        assert self.until(stack, lambda state: state == "GONE"), f"{stack.name}: {stack.row()}"
        life = Life(created - started, time.monotonic() - created)
        told = f"created in {life.created:.1f} s" if complete else f"not complete after {self.patience:.0f} s"
        self.say(f"1 + {replicas}, {kind}: {told}, deleted in {life.deleted:.1f} s")
        return life if complete else None

    def until(self, stack: Stack, holds: Callable[[str], bool]) -> bool:
        """Whether it came to hold in time. The watch behind it reads the list five times a second."""
        end = time.monotonic() + self.patience
        while not holds(stack.state()):
            if time.monotonic() > end:
                return False
        return True


def row(replicas: int, kind: str, lives: Sequence[Life | None]) -> Row:
    ended = [life for life in lives if life]
    created, deleted = tuple(life.created for life in ended), tuple(life.deleted for life in ended)
    return Row(replicas, kind, created, deleted, len(lives) - len(ended))
