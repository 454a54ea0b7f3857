"""What must not be forgotten about the option file: the text before it, and how far the server has come with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from guestagent import durable
from guestagent.strict_json import Unreadable, get_number, get_object, get_text, parse_object
from guestagent.unreadable_file import keep_aside, read_file

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
    TOOK = "took"
    RETURNING = "returning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Tried:
    """A variable that was set to `value`, which the server would not take as it is; `why` is its word ("": none)."""

    value: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Record:
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
    tried: Mapping[str, Tried] = field(default_factory=dict)
    boot: str = ""
    starts: int = 0
    failure: str = ""
    originals: Mapping[str, str | None] = field(default_factory=dict)

    def before(self, now: str | None) -> str | None:
        """What to put back in the place of the file as it is `now`: no server has run yet with one of ours."""
        return self.previous if self.phase is Phase.WRITTEN and self.text == now else now

    def refuses(self, text: str) -> bool:
        """Whether no server came up with that file."""
        return self.phase in (Phase.RETURNING, Phase.REFUSED) and self.text == text

    def took(self, text: str) -> bool:
        """Whether the server was restarted with that file already."""
        return self.phase is Phase.TOOK and self.text == text


class RecordFile:
    """The record on the disk: every change is there before the call returns (StorageError otherwise).

    One that cannot be read is as good as none, for the file and the server are looked at in any case. It is kept aside
    by the first change.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._unreadable = path, ""
        try:
            self.record = read_file(path, _parse) or Record()
        except Unreadable as error:
            self.record, self._unreadable = Record(), str(error)

    def keep(self, record: Record) -> None:
        if self._unreadable:
            keep_aside(self._path, self._unreadable)
            self._unreadable = ""
        if record != self.record:
            content = asdict(record) | {"version": VERSION}
            durable.write(self._path, json.dumps(content).encode())
            self.record = record


def _parse(content: bytes) -> Record:
    data = parse_object(content, VERSION)
    usual = {each.name: each.default for each in fields(Record)}
    try:
        plain = {name: _get_like(data, name, usual[name]) for name in data.keys() - SPECIAL_KEYS}
        tried = {name: _parse_tried(each) for name, each in get_object(data, "tried").items()}
        originals = get_object(data, "originals") if "originals" in data else {}
        known = {name: None if originals[name] is None else get_text(originals, name) for name in originals}
        return Record(**{**plain, "phase": Phase(get_text(data, "phase")), "tried": tried, "originals": known})
    except Unreadable:
        raise
    except (ValueError, KeyError):
        raise Unreadable("not a record of the option file") from None


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
        raise Unreadable(f"{name} is not a whole number")
    return int(number)


def _parse_tried(data: object) -> Tried:
    if not isinstance(data, dict):
        raise Unreadable("tried is not a JSON object of objects")
    return Tried(get_text(data, "value"), get_text(data, "why"))
