"""The state of a seed: what the worker writes, and the agent and `guestagent status` read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from guestagent.seeding.method import SeedMethod
from guestagent.strict_json import UnreadableContent, get_number, get_text

WITHDRAWN = "withdrawn"


class SeedPhase(str, Enum):
    """The phases of a seed, in their order. A method may leave some out."""

    REQUESTED = "requested"
    CONNECTING = "connecting"
    TRANSFERRING = "transferring"
    VERIFYING = "verifying"
    PREPARING = "preparing"
    SWAPPING = "swapping"
    STARTING = "starting"
    POSITIONING = "positioning"
    DONE = "done"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value

    @property
    def has_ended(self) -> bool:
        return self in (SeedPhase.DONE, SeedPhase.FAILED)


@dataclass(frozen=True, slots=True)
class SeedState:
    """A seed. `bytes_total` is 0 if unknown; `rate` in bytes/s, of the last seconds.

    `elapsed_s` counts from the first start, while the machine runs; `moved_at_s` is its value when bytes last moved.
    `position` is the GTID position of the data, "" until it is known. `failure` is why the last attempt failed, "" if
    none has; `advice` goes with it. `resumed` tells what the last start of the worker found and did, "" for the first.
    `memo` is the runner's own, for the next attempt. `reason`: why the method was chosen, and what it costs the source.
    `queue`: how many other replicas the donor serves before.
    """

    id: str
    method: SeedMethod
    data_directory: str
    phase: SeedPhase = SeedPhase.REQUESTED
    bytes_done: int = 0
    bytes_total: int = 0
    rate: int = 0
    elapsed_s: float = 0.0
    moved_at_s: float = 0.0
    phase_seconds: Mapping[str, float] = field(default_factory=dict)
    position: str = ""
    failure: str = ""
    advice: str = ""
    attempts: int = 0
    resumed: str = ""
    memo: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    queue: int = 0

    @property
    def eta_s(self) -> float | None:
        """Seconds until all bytes have come at the present rate; None if that is unknown."""
        if self.phase is not SeedPhase.TRANSFERRING or not self.rate or self.bytes_total <= self.bytes_done:
            return None
        return (self.bytes_total - self.bytes_done) / self.rate

    @property
    def is_withdrawn(self) -> bool:
        """Whether it has ended because its request was gone, and not by itself."""
        return self.phase is SeedPhase.FAILED and self.failure == WITHDRAWN

    def describe(self) -> str:
        """Return one line for people."""
        parts = [f"seed by {self.method}: {self.phase}"]
        if self.queue:
            parts.append(
                f"waiting for {self.queue} other replica{'s' if self.queue > 1 else ''} to be served"
            )
        if self.bytes_done:
            # The total is an estimate, which can turn out to be too low.
            is_total_known = self.bytes_total >= self.bytes_done
            total = f" of {self.bytes_total / 2**20:.0f}" if is_total_known else ""
            parts.append(f"{self.bytes_done / 2**20:.0f}{total} MiB")
        if self.rate:
            parts.append(f"{self.rate / 2**20:.0f} MiB/s")
        if self.eta_s is not None:
            parts.append(f"{self.eta_s:.0f} s left")
        if self.failure:
            again = "" if self.phase is SeedPhase.FAILED else f"attempt {self.attempts} after: "
            parts.append(again + self.failure + (f" ({self.advice})" if self.advice else ""))
        return ", ".join(parts)

    def enter(self, phase: SeedPhase) -> SeedState:
        return replace(self, phase=phase, rate=0, queue=0)

    def count(self, elapsed_s: float) -> SeedState:
        """Return the state at `elapsed_s`: the seconds since the last count belong to the present phase."""
        seconds = max(0.0, elapsed_s - self.elapsed_s)
        known = self.phase_seconds.get(str(self.phase), 0.0)
        phases = {**self.phase_seconds, str(self.phase): round(known + seconds, 3)}
        return replace(self, elapsed_s=elapsed_s, phase_seconds=phases)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "method": str(self.method),
            "data_directory": self.data_directory,
            "phase": str(self.phase),
            "bytes_done": self.bytes_done,
            "bytes_total": self.bytes_total,
            "rate": self.rate,
            "elapsed_s": round(self.elapsed_s, 3),
            "moved_at_s": round(self.moved_at_s, 3),
            "phase_seconds": dict(self.phase_seconds),
            "position": self.position,
            "failure": self.failure,
            "advice": self.advice,
            "attempts": self.attempts,
            "resumed": self.resumed,
            "memo": dict(self.memo),
            "reason": self.reason,
            "queue": self.queue,
        }


def parse_state(data: Mapping[str, object]) -> SeedState:
    """Build a state from its JSON object. Raises UnreadableContent."""
    phases, memo = _get_mapping(data, "phase_seconds"), _get_mapping(data, "memo")
    try:
        return SeedState(
            id=get_text(data, "id"),
            method=SeedMethod(get_text(data, "method")),
            data_directory=get_text(data, "data_directory"),
            phase=SeedPhase(get_text(data, "phase")),
            bytes_done=int(get_number(data, "bytes_done")),
            bytes_total=int(get_number(data, "bytes_total")),
            rate=int(get_number(data, "rate")),
            elapsed_s=get_number(data, "elapsed_s"),
            moved_at_s=get_number(data, "moved_at_s"),
            phase_seconds={name: get_number(phases, name) for name in phases},
            position=get_text(data, "position"),
            failure=get_text(data, "failure"),
            advice=get_text(data, "advice"),
            attempts=int(get_number(data, "attempts")),
            resumed=get_text(data, "resumed"),
            memo={name: get_text(memo, name) for name in memo},
            reason=get_text(data, "reason"),
            queue=int(get_number(data, "queue")) if "queue" in data else 0,
        )
    except ValueError as error:
        raise UnreadableContent(str(error)) from error


def _get_mapping(data: Mapping[str, object], name: str) -> dict[str, object]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise UnreadableContent(f"{name} is not an object")
    return value
