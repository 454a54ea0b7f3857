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

from guestagent import atomic_file
from guestagent.errors import InvalidMetadata, Problem, StorageError
from guestagent.strict_json import (
    DEPTH_LIMIT,
    UnreadableContent,
    get_object,
    get_text,
    is_too_deep,
    limit_depth,
    parse_object,
)
from guestagent.unreadable_file import parse_file, quarantine_file

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings

HANDLE_KEY = "ReadyWaitCondition"
DOCUMENT_FILE = "document.json"  # in the agent's state folder: what `poke` handed over
COLLECTED_FILES_LIST = (
    "os_config_files.json"  # in the cache: the files of the last collection that brought something new
)
VERSION = 1
LOG = logging.getLogger("guestagent")
DIGITS_LIMIT = 1000
DOCUMENT_DEPTH_LIMIT = DEPTH_LIMIT - 2  # it is kept inside an object of ours
TOO_DEEP_PLACEHOLDER = "(nested too deep: left out)"
CacheStamp = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class CollectedDocument:
    """A document as it came, unread and perhaps invalid. Two are equal when they say the same.

    It holds passwords, so it is not shown. `at` (UTC) and `source` tell where it is from; `token` is a hash of it.
    """

    token: str
    document: Mapping[str, object] = field(repr=False, compare=False)
    path: Path = field(compare=False)
    collected_at: str = field(default="", compare=False)

    @property
    def display_path(self) -> str:
        """The file's name, for errors."""
        return str(self.path)

    @classmethod
    def from_document(cls, document: Mapping[str, object], source: Path, at: str = "") -> CollectedDocument:
        canonical = json.dumps(document, sort_keys=True).encode()
        return cls(hashlib.sha256(canonical).hexdigest()[:16], document, source, at)


def find_latest_document(settings: Settings) -> CollectedDocument | None:
    """What there is to work on: what `poke` handed over, otherwise what os-collect-config has committed."""
    return find_stored_document(settings.state_folder) or find_committed_document(settings.collector_cache)


def choose_document(paths: Sequence[Path]) -> CollectedDocument | None:
    """The document among the files that os-collect-config gives its command; None where none holds a handle.

    InvalidMetadata where a file cannot be read that may be the one: an earlier one could lead backwards.
    """
    for path in reversed(paths):
        content = _parsed(path)
        if isinstance(content, dict) and HANDLE_KEY in content:
            return CollectedDocument.from_document(content, path)
    return None


def is_outdated(found: CollectedDocument, known: CollectedDocument | None, paths: Sequence[Path]) -> bool:
    """Whether `found` is only the best that is left because the file of the `known` document is missing this time.

    A collector that gets no answer leaves its file out. What then comes last, often the copy of boot time, is news only
    where it differs from what was committed.
    """
    if known is None or known.path in paths:
        return False
    try:
        return _parsed(_last(found.path)) == found.document
    except InvalidMetadata:
        return False


def find_committed_document(cache: Path) -> CollectedDocument | None:
    """The document that os-collect-config has handed over in full before, from its own cache; None where it has not."""
    try:
        names = _parsed(cache / COLLECTED_FILES_LIST)
        if not isinstance(names, list):
            return None
        paths = [cache / Path(str(name)).name for name in names]
        return choose_document([_whole_copy(path) for path in paths if _last(path).exists()])
    except (InvalidMetadata, OSError):
        return None


def stamp_cache(cache: Path) -> CacheStamp:
    """Return what changes whenever a file in the cache is written. Reads none of them; empty if there is no cache."""
    try:
        found = [(each.name, each.stat()) for each in os.scandir(cache)]
    except OSError:
        return frozenset()
    return frozenset((name, each.st_ino, each.st_mtime_ns, each.st_size) for name, each in found)


def find_stored_document(state: Path) -> CollectedDocument | None:
    """What `keep` left; None if there is nothing, or nothing that can be read."""
    try:
        return read_stored_document(state)
    except UnreadableContent:
        return None


def read_stored_document(state: Path) -> CollectedDocument | None:
    """What `keep` left, None if there is nothing. Raises Unreadable if the file is none of ours."""
    return parse_file(state / DOCUMENT_FILE, _parse_stored)


def keep_stored_aside(state: Path) -> bool:
    """Keep a document aside that cannot be read, and log it; return whether there was such a one.

    If it cannot be renamed, it stays and only the log tells.
    """
    try:
        read_stored_document(state)
    except UnreadableContent as error:
        try:
            quarantine_file(state / DOCUMENT_FILE, str(error))
        except StorageError as storage:
            LOG.warning("%s cannot be read (%s): %s", state / DOCUMENT_FILE, error, storage)
        return True
    return False


def store_document(state: Path, collected: CollectedDocument) -> None:
    """Store it; it is on the disk when this returns, or StorageError says why not."""
    content = {
        "version": VERSION,
        "source": collected.display_path,
        "at": collected.collected_at,
        "document": collected.document,
    }
    atomic_file.write_file(state / DOCUMENT_FILE, json.dumps(content).encode())


def _parse_stored(content: bytes) -> CollectedDocument:
    data = parse_object(content, VERSION)
    source = get_text(data, "source")
    if "\0" in source:
        raise UnreadableContent("source is not a path")
    return CollectedDocument.from_document(get_object(data, "document"), Path(source), get_text(data, "at"))


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
        content = atomic_file.read_file(path)
        if content is None:
            return _no_such(path)
        value: object = json.loads(
            content, parse_constant=str, parse_int=_parse_integer, parse_float=_parse_float
        )
    except StorageError as error:
        raise InvalidMetadata([Problem(str(path), "a readable file", str(error))]) from error
    except RecursionError:
        raise InvalidMetadata(
            [Problem(str(path), "JSON", "lists or mappings that are nested too deep")]
        ) from None
    except ValueError as error:
        raise InvalidMetadata([Problem(str(path), "JSON", type(error).__name__)]) from None
    return (
        limit_depth(value, DOCUMENT_DEPTH_LIMIT, TOO_DEEP_PLACEHOLDER)
        if is_too_deep(value, DOCUMENT_DEPTH_LIMIT)
        else value
    )


def _parse_integer(text: str) -> int | str:
    return int(text) if len(text) <= DIGITS_LIMIT else text


def _parse_float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _no_such(path: Path) -> object:
    raise InvalidMetadata([Problem(str(path), "a file of os-collect-config", "none")])
