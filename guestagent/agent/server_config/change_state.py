"""What must not be forgotten about the option file: the text before it, and how far the server has come with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from guestagent import atomic_file
from guestagent.strict_json import UnreadableContent, get_number, get_object, get_text, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

VERSION = 1
SPECIAL_KEYS = frozenset({"version", "phase", "tried", "originals"})


class Phase(str, Enum):
    """How far the server has come with `Record.text`.

    WRITTEN: it stands in the file. RESTARTING: the server is being restarted with it. TOOK: it ran with it after
    that restart. RETURNING: it did not come up, the file before is being put back. REFUSED: that was done.
    """

    NONE = "none"
    WRITTEN = "written"
    RESTARTING = "restarting"
    APPLIED = "took"
    RESTORING = "returning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SetAttempt:
    """A variable that was set to `value`, which the server would not take as it is; `why` is its word ("": none)."""

    value: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class ChangeState:
    """`path`, `text`, `previous` and `last` are of the option file. `last` stood there before `text`, `previous` is the
    one with which a server has run (None: there was no file). `server` tells in which life of the server the text
    was written, `log` is its error log ("" where its service manager has it), `since` is when the last start began, in
    the seconds of the boot `boot` ("": kept by 0.1), and `why` what went wrong with the restart. `starts` counts those
    with the previous file, and `failure` tells how the last of them failed. `proved`: the Variables with which the
    node was last ready, in canonical JSON; None: it never was. `originals` are the values of the variables that the
    document asks for, or did until now, before the agent set them; None: not known.
    """

    phase: Phase = Phase.NONE
    family: str = ""
    path: str = ""
    text: str = ""
    previous: str | None = None
    last: str = ""
    since: float = 0.0
    server: str = ""
    log: str = ""
    why: str = ""
    proved: str | None = None
    tried: Mapping[str, SetAttempt] = field(default_factory=dict)
    boot: str = ""
    starts: int = 0
    failure: str = ""
    originals: Mapping[str, str | None] = field(default_factory=dict)

    def get_restore_text(self, now: str | None) -> str | None:
        """What to put back in the place of the file as it is `now`: no server has run yet with one of ours."""
        return self.previous if self.phase is Phase.WRITTEN and self.text == now else now

    def is_refused(self, text: str) -> bool:
        """Whether no server came up with that file."""
        return self.phase in (Phase.RESTORING, Phase.REFUSED) and self.text == text

    def is_applied(self, text: str) -> bool:
        """Whether the server was restarted with that file already."""
        return self.phase is Phase.APPLIED and self.text == text


class ChangeFile:
    """The record on the disk: every change is there before the call returns (StorageError otherwise).

    One that cannot be read is as good as none, for the file and the server are looked at in any case. It is kept aside
    by the first change.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._unreadable = path, ""
        try:
            self.state = parse_file(path, _parse) or ChangeState()
        except UnreadableContent as error:
            self.state, self._unreadable = ChangeState(), str(error)

    def write(self, record: ChangeState) -> None:
        if self._unreadable:
            quarantine_file(self._path, self._unreadable)
            self._unreadable = ""
        if record != self.state:
            content = asdict(record) | {"version": VERSION}
            atomic_file.write_file(self._path, json.dumps(content).encode())
            self.state = record


def _parse(content: bytes) -> ChangeState:
    data = parse_object(content, VERSION)
    usual = {each.name: each.default for each in fields(ChangeState)}
    try:
        plain = {name: _get_like(data, name, usual[name]) for name in data.keys() - SPECIAL_KEYS}
        tried = {name: _parse_tried(each) for name, each in get_object(data, "tried").items()}
        originals = get_object(data, "originals") if "originals" in data else {}
        known = {name: None if originals[name] is None else get_text(originals, name) for name in originals}
        return ChangeState(
            **{**plain, "phase": Phase(get_text(data, "phase")), "tried": tried, "originals": known}
        )
    except UnreadableContent:
        raise
    except (ValueError, KeyError):
        raise UnreadableContent("not a record of the option file") from None


def _get_like(data: Mapping[str, object], name: str, usual: object) -> Any:
    """Return the value of that name if its type is that of `usual`; None stands for a string that may be missing."""
    if isinstance(usual, str):
        return get_text(data, name)
    if usual is None:
        return None if data[name] is None else get_text(data, name)
    number = get_number(data, name)
    if isinstance(usual, float):
        return number
    if not number.is_integer():
        raise UnreadableContent(f"{name} is not a whole number")
    return int(number)


def _parse_tried(data: object) -> SetAttempt:
    if not isinstance(data, dict):
        raise UnreadableContent("tried is not a JSON object of objects")
    return SetAttempt(get_text(data, "value"), get_text(data, "why"))
