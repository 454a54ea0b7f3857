"""What `guestagent status` shows: written by whoever works (serve or apply), read by anyone who may. No secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from guestagent import durable
from guestagent.agent.look_time import LookTime, read_time
from guestagent.agent.model import Agreement, Condition
from guestagent.errors import StorageError
from guestagent.strict_json import Unreadable, get_list, get_number, get_object, get_text, parse_object
from guestagent.unreadable_file import keep_aside, read_file

T = TypeVar("T", str, int)
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
    """The last status, None if nobody has worked here yet. StorageError if this user may not read it.

    One that is not what we wrote is as good as none, and says so.
    """
    try:
        return read_file(path, _parse)
    except Unreadable as error:
        return NodeStatus("waiting", problems=(f"{path} cannot be read ({error}): the next look writes it anew",))


def keep_unreadable_aside(path: Path) -> None:
    """Keep a status aside that cannot be read, before it is written anew. If that is not possible, it is lost."""
    try:
        read_file(path, _parse)
    except Unreadable as error:
        with suppress(StorageError):
            keep_aside(path, str(error))
    except StorageError:
        return


def _parse(content: bytes) -> NodeStatus | None:
    if not content:  # after a power cut
        return None
    data = parse_object(content)
    try:
        return NodeStatus(
            state=get_text(data, "state"),
            doing=get_text(data, "doing"),
            node=_get_optional(data, "node", str),
            role=_get_optional(data, "role", str),
            generation=_get_optional(data, "generation", int),
            elapsed=get_number(data, "elapsed"),
            deadline=_get_optional(data, "deadline", int),
            signal=get_text(data, "signal"),
            conditions=tuple(_parse_condition(each) for each in get_list(data, "conditions")),
            problems=tuple(get_text({"problem": each}, "problem") for each in get_list(data, "problems")),
            looked=LookTime.parse(get_object(data, "looked")) if "looked" in data else None,  # 0.1 kept no time
        )
    except Unreadable:
        raise
    except (ValueError, KeyError, TypeError):
        raise Unreadable("not a status") from None


def _parse_condition(data: object) -> Condition:
    if not isinstance(data, dict):
        raise Unreadable("a condition that is none")
    state = Agreement[get_text(data, "state").upper()]
    return Condition(*(get_text(data, "name"), state), *(get_text(data, name) for name in ("wanted", "seen", "do")))


def _get_optional(data: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    value = data[name]
    if value is not None and type(value) is not kind:
        raise Unreadable(f"{name} is of another type")
    return value if isinstance(value, kind) else None
