"""How long a stack takes from the request to CREATE_COMPLETE, and from there to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.templates import CFN, HOT, PLAIN, template
from tests.contract.heat import Heat, Stack

PATIENCE = 900.0
KINDS = (PLAIN, CFN, HOT)


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds of each repetition."""

    replicas: int
    kind: str
    created: tuple[float, ...]
    deleted: tuple[float, ...]

    @property
    def fastest(self) -> float:
        return min(self.created)

    @property
    def usual(self) -> float:
        return median(self.created)


def measured(heat: Heat, sizes: Sequence[int], repetitions: int, say: Callable[[str], None]) -> list[Row]:
    """Interleaved: each repetition has every kind once, so that a busy machine is busy for all of them."""
    rows = []
    for replicas in sizes:
        seen: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
        for _ in range(repetitions):
            for kind in KINDS:
                created, deleted = once(heat, template(kind, replicas, heat.subnet))
                say(f"1 + {replicas}, {kind}: created in {created:.1f} s, deleted in {deleted:.1f} s")
                seen[kind].append((created, deleted))
        for kind, pairs in seen.items():
            rows.append(Row(replicas, kind, *zip(*pairs, strict=True)))
    return rows


def once(heat: Heat, wanted: object) -> tuple[float, float]:
    """Seconds until the stack is complete, and until it is gone. Only the harmless stack list is read meanwhile."""
    started = time.monotonic()
    stack = heat.stack(wanted)
    until(stack, lambda state: not state.endswith("IN_PROGRESS"))
    created = time.monotonic()
    assert stack.state() == "CREATE_COMPLETE", stack.outcome()
    began = time.monotonic()
    stack.delete()
    until(stack, lambda state: state in ("GONE", "DELETE_FAILED"))
    assert stack.state() == "GONE"
    return created - started, time.monotonic() - began


def until(stack: Stack, holds: Callable[[str], bool]) -> None:
    """The watch behind it reads the list five times a second."""
    end = time.monotonic() + PATIENCE
    while not holds(state := stack.state()):
        if time.monotonic() > end:
            raise TimeoutError(f"{stack.name} is still {state}")
