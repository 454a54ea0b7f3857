"""The edge to os-collect-config: which of the files that it collects is this node's document.

The document is the last one that holds `ReadyWaitCondition`, taken whole. Nothing is merged: the copy of boot time
stays there for ever, and would bring removed users back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent import durable
from guestagent.errors import InvalidMetadata, Problem, StorageError

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings

HANDLE = "ReadyWaitCondition"
DOCUMENT = "document.json"  # in the agent's state folder: what `poke` handed over
LISTED = "os_config_files.json"  # in the cache: the files of the last collection that brought something new
VERSION = 1


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


def stored(state: Path) -> Collected | None:
    """What `keep` left; None where there is nothing, or nothing of this version."""
    content = durable.read(state / DOCUMENT)
    if content is None:
        return None
    try:
        data = json.loads(content)
        if data["version"] != VERSION:
            return None
        return Collected.of(dict(data["document"]), Path(data["source"]), str(data["at"]))
    except (ValueError, KeyError, TypeError):
        return None


def keep(state: Path, collected: Collected) -> None:
    """Store it; it is on the disk when this returns, or StorageError says why not."""
    content = {
        "version": VERSION,
        "source": collected.where,
        "at": collected.at,
        "document": collected.document,
    }
    durable.write(state / DOCUMENT, json.dumps(content).encode())


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
    try:
        content = durable.read(path)
        return _no_such(path) if content is None else json.loads(content)
    except StorageError as error:
        raise InvalidMetadata([Problem(str(path), "a readable file", str(error))]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidMetadata([Problem(str(path), "JSON", type(error).__name__)]) from None


def _no_such(path: Path) -> object:
    raise InvalidMetadata([Problem(str(path), "a file of os-collect-config", "none")])
