"""What `guestagent status` shows: written by whoever works (serve or apply), read by anyone who may. No secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guestagent import durable
from guestagent.agent.look_time import LookTime, read_time
from guestagent.agent.model import Agreement, Condition
from guestagent.errors import StorageError

PLAIN = ("state", "doing", "node", "role", "generation", "elapsed", "deadline", "signal")


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node at one moment. `state` is waiting, converging, ready or failed (see docs/clustering.md).

    `signal` says how the newest outcome fares: pending, accepted, given up, or nothing to say yet. `looked` is when it
    was written; None in a file of 0.1, which did not keep it.
    """

    state: str
    doing: str = ""
    node: str | None = None
    role: str | None = None
    generation: int | None = None
    elapsed: float = 0.0
    deadline: int | None = None
    conditions: tuple[Condition, ...] = ()
    signal: str = ""
    problems: tuple[str, ...] = ()
    looked: LookTime | None = field(default=None, compare=False)

    @property
    def ready(self) -> bool:
        return self.state == "ready"

    def as_json(self) -> dict[str, object]:
        conditions = [
            {"name": c.name, "state": str(c.agreement), "wanted": c.wanted, "seen": c.seen, "do": c.do}
            for c in self.conditions
        ]
        plain = {name: getattr(self, name) for name in PLAIN}
        return {
            **plain,
            "elapsed": round(self.elapsed, 1),
            "conditions": conditions,
            "problems": [*self.problems],
        }


def write(path: Path, status: NodeStatus, now: LookTime | None = None) -> None:
    """Keep the status for others to read, with the time. A full disk is no reason to stop working: it is then not kept.

    Written after every look, also if nothing has changed: its age tells whether somebody still looks.
    """
    looked = now or read_time()
    try:
        durable.show(path, json.dumps({**status.as_json(), "looked": looked.as_json()}).encode())
    except StorageError:
        return


def read(path: Path) -> NodeStatus | None:
    """The last status; None where nobody has worked here yet. StorageError where it cannot be read."""
    content = durable.read(path)
    if not content:  # empty after a power cut
        return None
    try:
        return _parsed(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"cannot read {path}: it is no status of this version") from error


def _parsed(data: Mapping[str, Any]) -> NodeStatus:
    conditions = tuple(
        Condition(c["name"], Agreement[c["state"].upper()], c["wanted"], c["seen"], c["do"])
        for c in data["conditions"]
    )
    plain = {name: data[name] for name in PLAIN}
    looked = LookTime.parse(data["looked"]) if "looked" in data else None  # 0.1 kept no time
    return NodeStatus(**plain, conditions=conditions, problems=tuple(data["problems"]), looked=looked)
