"""The edge to os-collect-config: which of the files that it collects is this node's document.

The document is the last one that holds `ReadyWaitCondition`, taken whole. Nothing is merged: the copy of boot time
stays there for ever, and would bring removed users back.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent import durable
from guestagent.errors import InvalidMetadata, Problem, StorageError
from guestagent.strict_json import (
    DEPTH_LIMIT,
    Unreadable,
    cut_depth,
    get_object,
    get_text,
    is_too_deep,
    parse_object,
)
from guestagent.unreadable_file import keep_aside, read_file

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings

HANDLE = "ReadyWaitCondition"
DOCUMENT = "document.json"  # in the agent's state folder: what `poke` handed over
LISTED = "os_config_files.json"  # in the cache: the files of the last collection that brought something new
VERSION = 1
LOG = logging.getLogger("guestagent")
DIGITS_LIMIT = 1000
DOCUMENT_DEPTH_LIMIT = DEPTH_LIMIT - 2  # it is kept inside an object of ours
TOO_DEEP = "(nested too deep: left out)"
CacheStamp = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Collected:
    """A document as it came, unread and perhaps invalid. Two are equal when they say the same.

    It holds passwords, so it is not shown. `at` (UTC) and `source` tell where it is from; `token` is a hash of it.
    """

    token: str
    document: Mapping[str, object] = field(repr=False, compare=False)
    source: Path = field(compare=False)
    at: str = field(default="", compare=False)

    @property
    def where(self) -> str:
        """The file's name, for errors."""
        return str(self.source)

    @classmethod
    def of(cls, document: Mapping[str, object], source: Path, at: str = "") -> Collected:
        canonical = json.dumps(document, sort_keys=True).encode()
        return cls(hashlib.sha256(canonical).hexdigest()[:16], document, source, at)


def latest(settings: Settings) -> Collected | None:
    """What there is to work on: what `poke` handed over, otherwise what os-collect-config has committed."""
    return stored(settings.state) or committed(settings.collector_cache)


def chosen(paths: Sequence[Path]) -> Collected | None:
    """The document among the files that os-collect-config gives its command; None where none holds a handle.

    InvalidMetadata where a file cannot be read that may be the one: an earlier one could lead backwards.
    """
    for path in reversed(paths):
        content = _parsed(path)
        if isinstance(content, dict) and HANDLE in content:
            return Collected.of(content, path)
    return None


def outdated(found: Collected, known: Collected | None, paths: Sequence[Path]) -> bool:
    """Whether `found` is only the best that is left because the file of the `known` document is missing this time.

    A collector that gets no answer leaves its file out. What then comes last, often the copy of boot time, is news only
    where it differs from what was committed.
    """
    if known is None or known.source in paths:
        return False
    try:
        return _parsed(_last(found.source)) == found.document
    except InvalidMetadata:
        return False


def committed(cache: Path) -> Collected | None:
    """The document that os-collect-config has handed over in full before, from its own cache; None where it has not."""
    try:
        names = _parsed(cache / LISTED)
        if not isinstance(names, list):
            return None
        paths = [cache / Path(str(name)).name for name in names]
        return chosen([_whole_copy(path) for path in paths if _last(path).exists()])
    except (InvalidMetadata, OSError):
        return None


def stamp_cache(cache: Path) -> CacheStamp:
    """Return what changes whenever a file in the cache is written. Reads none of them; empty if there is no cache."""
    try:
        found = [(each.name, each.stat()) for each in os.scandir(cache)]
    except OSError:
        return frozenset()
    return frozenset((name, each.st_ino, each.st_mtime_ns, each.st_size) for name, each in found)


def stored(state: Path) -> Collected | None:
    """What `keep` left; None if there is nothing, or nothing that can be read."""
    try:
        return read_stored(state)
    except Unreadable:
        return None


def read_stored(state: Path) -> Collected | None:
    """What `keep` left, None if there is nothing. Raises Unreadable if the file is none of ours."""
    return read_file(state / DOCUMENT, _parse_stored)


def keep_stored_aside(state: Path) -> bool:
    """Keep a document aside that cannot be read, and log it; return whether there was such a one.

    If it cannot be renamed, it stays and only the log tells.
    """
    try:
        read_stored(state)
    except Unreadable as error:
        try:
            keep_aside(state / DOCUMENT, str(error))
        except StorageError as storage:
            LOG.warning("%s cannot be read (%s): %s", state / DOCUMENT, error, storage)
        return True
    return False


def keep(state: Path, collected: Collected) -> None:
    """Store it; it is on the disk when this returns, or StorageError says why not."""
    content = {
        "version": VERSION,
        "source": collected.where,
        "at": collected.at,
        "document": collected.document,
    }
    durable.write(state / DOCUMENT, json.dumps(content).encode())


def _parse_stored(content: bytes) -> Collected:
    data = parse_object(content, VERSION)
    source = get_text(data, "source")
    if "\0" in source:
        raise Unreadable("source is not a path")
    return Collected.of(get_object(data, "document"), Path(source), get_text(data, "at"))


def _last(path: Path) -> Path:
    """What os-collect-config calls the copy that was committed (it also keeps an `.orig`, its first ever)."""
    return path.with_name(f"{path.name}.last")


def _whole_copy(path: Path) -> Path:
    """The committed copy; where a crash has torn it (it is not written in one step), the collected file."""
    try:
        _parsed(_last(path))
    except InvalidMetadata:
        return path
    return _last(path)


def _parsed(path: Path) -> object:
    """What a collected file says. Keys beside ours may hold anything: it must stay possible to write it down again."""
    try:
        content = durable.read(path)
        if content is None:
            return _no_such(path)
        value: object = json.loads(content, parse_constant=str, parse_int=_parse_integer, parse_float=_parse_float)
    except StorageError as error:
        raise InvalidMetadata([Problem(str(path), "a readable file", str(error))]) from error
    except RecursionError:
        raise InvalidMetadata([Problem(str(path), "JSON", "lists or mappings that are nested too deep")]) from None
    except ValueError as error:
        raise InvalidMetadata([Problem(str(path), "JSON", type(error).__name__)]) from None
    return cut_depth(value, DOCUMENT_DEPTH_LIMIT, TOO_DEEP) if is_too_deep(value, DOCUMENT_DEPTH_LIMIT) else value


def _parse_integer(text: str) -> int | str:
    return int(text) if len(text) <= DIGITS_LIMIT else text


def _parse_float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _no_such(path: Path) -> object:
    raise InvalidMetadata([Problem(str(path), "a file of os-collect-config", "none")])
