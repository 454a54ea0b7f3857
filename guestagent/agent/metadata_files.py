"""The files of os-collect-config: which of them is this node's document.

It is the last one that holds `ReadyWaitCondition`, taken whole. Nothing is merged: the copy of boot time stays there
for ever, and would bring removed users back.
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
DOCUMENT_FILE = "document.json"  # in the agent's state folder: the document that `poke` stored
COLLECTED_FILES_LIST = "os_config_files.json"  # in the cache: the files of the last collection with news
VERSION = 1
LOG = logging.getLogger("guestagent")
DIGITS_LIMIT = 1000
DOCUMENT_DEPTH_LIMIT = DEPTH_LIMIT - 2  # it is stored inside another object
TOO_DEEP_PLACEHOLDER = "(nested too deep: left out)"
CacheStamp = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class CollectedDocument:
    """A collected document, not parsed and perhaps invalid. Two are equal if their content is.

    It holds passwords, so its repr does not show it. `token` is a hash of it; `path` is its origin, and `collected_at`
    the time (UTC).
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
    def from_document(
        cls, document: Mapping[str, object], path: Path, collected_at: str = ""
    ) -> CollectedDocument:
        canonical = json.dumps(document, sort_keys=True).encode()
        return cls(hashlib.sha256(canonical).hexdigest()[:16], document, path, collected_at)


def find_latest_document(settings: Settings) -> CollectedDocument | None:
    """Return the document that `poke` stored, otherwise the one that os-collect-config has committed."""
    return find_stored_document(settings.state_folder) or find_committed_document(settings.collector_cache)


def choose_document(paths: Sequence[Path]) -> CollectedDocument | None:
    """Choose the document among the files that os-collect-config lists for its command; None if none has a handle.

    InvalidMetadata if a file cannot be read that may be the newest: an older document must not be used instead.
    """
    for path in reversed(paths):
        content = _parse_collected(path)
        if isinstance(content, dict) and HANDLE_KEY in content:
            return CollectedDocument.from_document(content, path)
    return None


def find_referral(paths: Sequence[Path]) -> Mapping[str, object]:
    """Return the last file that only tells the collector where the node's document is; {} if none does.

    The user data of a node without Heat hold the address of such a file, so that they are worth nothing afterwards.
    """
    # Only a first boot comes here: no other poke imports this.
    from guestagent.agent.collector_config import METADATA_KEY

    for path in reversed(paths):
        content = _parse_collected(path)
        if isinstance(content, dict) and METADATA_KEY in content and HANDLE_KEY not in content:
            return content
    return {}


def is_outdated(chosen: CollectedDocument, present: CollectedDocument | None, paths: Sequence[Path]) -> bool:
    """Return whether a document was chosen only because the file of the present one is missing this time.

    A collector that gets no answer leaves its file out. The document that is then the last one, often the copy of boot
    time, is news only if it differs from its committed copy.
    """
    if present is None or present.path in paths:
        return False
    try:
        return _parse_collected(_get_committed_path(chosen.path)) == chosen.document
    except InvalidMetadata:
        return False


def find_committed_document(cache: Path) -> CollectedDocument | None:
    """Find the last document that os-collect-config committed, in its own cache; None if there is none."""
    try:
        names = _parse_collected(cache / COLLECTED_FILES_LIST)
        if not isinstance(names, list):
            return None
        paths = [cache / Path(str(name)).name for name in names]
        return choose_document(
            [_choose_whole_copy(path) for path in paths if _get_committed_path(path).exists()]
        )
    except (InvalidMetadata, OSError):
        return None


def stamp_cache(cache: Path) -> CacheStamp:
    """Return a value that changes whenever a file in the cache is written. Empty if there is no cache."""
    try:
        files = [(entry.name, entry.stat()) for entry in os.scandir(cache)]
    except OSError:
        return frozenset()
    return frozenset((name, each.st_ino, each.st_mtime_ns, each.st_size) for name, each in files)


def find_stored_document(state: Path) -> CollectedDocument | None:
    """Return the stored document; None if there is none, or it cannot be read."""
    try:
        return read_stored_document(state)
    except UnreadableContent:
        return None


def read_stored_document(state: Path) -> CollectedDocument | None:
    """Return the stored document, None if there is none. UnreadableContent if the agent did not write the file."""
    return parse_file(state / DOCUMENT_FILE, _parse_stored)


def quarantine_stored_document(state: Path) -> bool:
    """Quarantine an unreadable document, and log it; return whether there was one.

    If it cannot be renamed, it stays, and is only logged.
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
    """Store the document. It is on the disk when this returns; StorageError if that is not possible."""
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


def _get_committed_path(path: Path) -> Path:
    """Return os-collect-config's name for the committed copy (it also keeps an `.orig`, its first ever)."""
    return path.with_name(f"{path.name}.last")


def _choose_whole_copy(path: Path) -> Path:
    """Return the committed copy, or the collected file if a crash has torn the copy, which is not written at once."""
    committed = _get_committed_path(path)
    try:
        _parse_collected(committed)
    except InvalidMetadata:
        return path
    return committed


def _parse_collected(path: Path) -> object:
    """Parse a collected file. Foreign keys may hold anything, but it must be possible to write it as JSON again."""
    try:
        content = atomic_file.read_file(path)
        if content is None:
            raise InvalidMetadata([Problem(str(path), "a file of os-collect-config", "none")])
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
