"""The state of the last change of the option file on the disk, in configuration.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from guestagent import atomic_file
from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.agent.server_config.transitions import Event, ServerSilent, advance_change
from guestagent.strict_json import UnreadableContent, get_number, get_object, get_text, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

VERSION = 1
SPECIAL_KEYS = frozenset({"version", "phase", "tried", "originals"})


class ChangeFile:
    """The state on the disk: every change is written before the call returns (StorageError otherwise).

    An unreadable file counts as a missing one, because the option file and the server are observed in any case. The
    first change quarantines it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._unreadable_reason = path, ""
        try:
            self.state = parse_file(path, _parse) or ChangeState()
        except UnreadableContent as error:
            self.state, self._unreadable_reason = ChangeState(), str(error)

    def record(self, event: Event) -> None:
        """Write the state after an event."""
        self.write(advance_change(self.state, event))

    def record_silence(self, time: float, boot_id: str) -> None:
        """Record that the server does not answer, if that changes anything."""
        state = advance_change(self.state, ServerSilent(time, boot_id))
        if state != self.state:
            self.write(state)

    def write(self, state: ChangeState) -> None:
        if self._unreadable_reason:
            quarantine_file(self._path, self._unreadable_reason)
            self._unreadable_reason = ""
        if state != self.state:
            content = asdict(state) | {"version": VERSION}
            atomic_file.write_file(self._path, json.dumps(content).encode())
            self.state = state


def _parse(content: bytes) -> ChangeState:
    data = parse_object(content, VERSION)
    defaults = {each.name: each.default for each in fields(ChangeState)}
    try:
        values = {name: _get_like(data, name, defaults[name]) for name in data.keys() - SPECIAL_KEYS}
        tried = {name: _parse_attempt(each) for name, each in get_object(data, "tried").items()}
        return ChangeState(
            **{
                **values,
                "phase": Phase(get_text(data, "phase")),
                "tried": tried,
                "originals": _parse_originals(data),
            }
        )
    except UnreadableContent:
        raise
    except (ValueError, KeyError):
        raise UnreadableContent("not a record of the option file") from None


def _parse_originals(data: Mapping[str, object]) -> dict[str, str | None]:
    originals = get_object(data, "originals") if "originals" in data else {}
    return {name: None if originals[name] is None else get_text(originals, name) for name in originals}


def _get_like(data: Mapping[str, object], name: str, default: object) -> Any:
    """Return the value of that name if it has the type of its default; None stands for a string that may be missing."""
    if isinstance(default, str):
        return get_text(data, name)
    if default is None:
        return None if data[name] is None else get_text(data, name)
    number = get_number(data, name)
    if isinstance(default, float):
        return number
    if not number.is_integer():
        raise UnreadableContent(f"{name} is not a whole number")
    return int(number)


def _parse_attempt(data: object) -> SetAttempt:
    if not isinstance(data, dict):
        raise UnreadableContent("tried is not a JSON object of objects")
    return SetAttempt(get_text(data, "value"), get_text(data, "why"))
