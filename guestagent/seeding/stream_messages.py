"""The messages around a backup stream: what a replica asks for, what the donor offers, and how it ended. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from guestagent.secret import Secret
from guestagent.seeding.stream_frames import STREAM_VERSION
from guestagent.strict_json import UnreadableContent, get_list, get_number, get_object, get_text, parse_object

ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a replica sends, as one line: which node it is, its account for the seed, and what it can decompress.

    `rate_limit` in bytes/s, 0 for none.
    """

    node: str
    user: str
    password: Secret = field(repr=False)
    compressions: tuple[str, ...] = ()
    rate_limit: int = 0

    def build_line(self) -> bytes:
        """Return the line. It holds the password in clear."""
        content = {
            "version": STREAM_VERSION,
            "node": self.node,
            "user": self.user,
            "password": self.password.reveal(),
            "method": "backup",
            "compressions": list(self.compressions),
            "rate_limit": self.rate_limit,
        }
        return json.dumps(content).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What must agree between a source and a replica for the one's files to work at the other.

    `settings` are variables by name. An empty `version` is that of a server that does not answer.
    """

    version: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamOffer:
    """The beginning of a stream. `data_bytes` is about the size of the data, `redo_bytes` that of a redo log."""

    facts: ServerFacts
    data_bytes: int
    redo_bytes: int
    compression: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "family": "mariadb",
            "version": self.facts.version,
            "settings": dict(self.facts.settings),
            "data_bytes": self.data_bytes,
            "redo_bytes": self.redo_bytes,
            "compression": self.compression,
        }


@dataclass(frozen=True, slots=True)
class StreamTrailer:
    """The end of a stream: how mariadb-backup ended, and what was sent. `digest` is the SHA-256 of all DATA."""

    exit_code: int
    has_completed: bool
    sent_bytes: int
    backup_bytes: int
    digest: str
    last_words: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "exit_code": self.exit_code,
            "completed": self.has_completed,
            "sent_bytes": self.sent_bytes,
            "backup_bytes": self.backup_bytes,
            "sha256": self.digest,
            "message": self.last_words,
        }


def parse_stream_request(line: bytes) -> StreamRequest:
    """Parse a replica's line. Raises UnreadableContent, whose text quotes nothing of it."""
    data = parse_object(line, STREAM_VERSION)
    if get_text(data, "method") != "backup":
        raise UnreadableContent("a method that is not backup")
    return StreamRequest(
        node=get_text(data, "node"),
        user=get_text(data, "user"),
        password=Secret(get_text(data, "password")),
        compressions=tuple(name for name in get_list(data, "compressions", []) if isinstance(name, str)),
        rate_limit=max(0, int(get_number(data, "rate_limit"))),
    )


def parse_offer(data: Mapping[str, object]) -> StreamOffer:
    """Parse a donor's offer. Raises UnreadableContent."""
    settings = get_object(data, "settings")
    return StreamOffer(
        ServerFacts(get_text(data, "version"), {name: get_text(settings, name) for name in settings}),
        int(get_number(data, "data_bytes")),
        int(get_number(data, "redo_bytes")),
        get_text(data, "compression"),
    )


def parse_trailer(data: Mapping[str, object]) -> StreamTrailer:
    """Parse the end of a stream. Raises UnreadableContent."""
    return StreamTrailer(
        int(get_number(data, "exit_code")),
        data.get("completed") is True,
        int(get_number(data, "sent_bytes")),
        int(get_number(data, "backup_bytes")),
        get_text(data, "sha256"),
        get_text(data, "message"),
    )
