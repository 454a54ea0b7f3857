"""The status that `guestagent status` shows, written by `serve` and `apply`. It contains no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from guestagent import atomic_file
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.timestamp import Timestamp, read_timestamp
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent, get_list, get_number, get_object, get_text, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

T = TypeVar("T", str, int)
STATUS_FILE = "status.json"
PLAIN_KEYS = ("state", "doing", "node", "role", "generation", "elapsed", "deadline", "signal")


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """The status of a node at one moment. `state` is waiting, converging, ready or failed.

    `signal` describes the delivery of the newest signal, `volume` the data volume, if there is one. `observed_at` is
    when the status was written; None in a file of guestagent 0.1, which did not record it.
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
    volume: Mapping[str, object] | None = None
    observed_at: Timestamp | None = field(default=None, compare=False)

    @property
    def is_ready(self) -> bool:
        return self.state == "ready"

    def as_json(self) -> dict[str, object]:
        conditions = [
            {"name": c.name, "state": str(c.state), "wanted": c.expected, "seen": c.actual, "do": c.advice}
            for c in self.conditions
        ]
        values = {name: getattr(self, name) for name in PLAIN_KEYS}
        return {
            **values,
            "elapsed": round(self.elapsed, 1),
            "conditions": conditions,
            "problems": [*self.problems],
            "volume": None if self.volume is None else dict(self.volume),
        }


def write_status(path: Path, status: AgentStatus, now: Timestamp | None = None) -> None:
    """Write the status with the time. On a full disk it is not written, because the agent must go on.

    It is written after every observation of the server, even if nothing has changed: its age shows whether the
    agent works.
    """
    observed_at = now or read_timestamp()
    try:
        atomic_file.write_unsynced(
            path, json.dumps({**status.as_json(), "looked": observed_at.as_json()}).encode()
        )
    except StorageError:
        return


def read_status(path: Path) -> AgentStatus | None:
    """Read the last status, None if there is none yet. StorageError if this user may not read it.

    An unreadable one counts as waiting, with the error as its problem.
    """
    try:
        return parse_file(path, _parse)
    except UnreadableContent as error:
        return AgentStatus(
            "waiting", problems=(f"{path} cannot be read ({error}): the next pass replaces it",)
        )


def quarantine_unreadable_status(path: Path) -> None:
    """Quarantine an unreadable status, before it is replaced. If that is not possible, it is lost."""
    try:
        parse_file(path, _parse)
    except UnreadableContent as error:
        with suppress(StorageError):
            quarantine_file(path, str(error))
    except StorageError:
        return


def _parse(content: bytes) -> AgentStatus | None:
    if not content:  # after a power cut
        return None
    data = parse_object(content)
    try:
        return AgentStatus(
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
            volume=None if data.get("volume") is None else get_object(data, "volume"),
            observed_at=Timestamp.parse(get_object(data, "looked"))
            if "looked" in data
            else None,  # 0.1 kept no time
        )
    except UnreadableContent:
        raise
    except (ValueError, KeyError, TypeError):
        raise UnreadableContent("not a status") from None


def _parse_condition(data: object) -> Condition:
    if not isinstance(data, dict):
        raise UnreadableContent("a condition is not a JSON object")
    state = ConditionState[get_text(data, "state").upper()]
    return Condition(
        *(get_text(data, "name"), state), *(get_text(data, name) for name in ("wanted", "seen", "do"))
    )


def _get_optional(data: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    value = data[name]
    if value is not None and type(value) is not kind:
        raise UnreadableContent(f"{name} is of another type")
    return value if isinstance(value, kind) else None
