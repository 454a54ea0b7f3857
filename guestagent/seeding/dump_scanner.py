"""Reads what proves a dump from its text as it passes: the position of its snapshot, and its last line. Pure."""

from __future__ import annotations

import re

from guestagent.seeding.dump_dialect import DumpDialect

HEAD_BYTES_LIMIT = 16 << 20
TAIL_BYTES_LIMIT = 1 << 20
HEAD_END = re.compile(rb"^-- (Current Database: |Table structure for |Dump completed)", re.MULTILINE)
"""Before it there are only statements of the dump's own; after it, texts of the source's objects too."""
TRAILER = re.compile(rb"^-- Dump completed[^\n]*\n\s*\Z", re.MULTILINE)


class DumpScanner:
    """Is given a dump piece by piece. `position` is None until it is known; an empty one is ""."""

    def __init__(self, dialect: DumpDialect) -> None:
        self._dialect = dialect
        self._head, self._tail = bytearray(), b""
        self._has_head = False

    @property
    def has_head(self) -> bool:
        """Whether the dump's head has passed: its snapshot has been taken."""
        return self._has_head

    @property
    def is_complete(self) -> bool:
        """Whether the newest line is a dump's last one."""
        return TRAILER.search(self._tail) is not None

    @property
    def position(self) -> str | None:
        """The GTID position of the snapshot. The last one in the tail counts: earlier ones may be an object's text."""
        head_mark, tail_mark = self._dialect.head_position, self._dialect.tail_position
        positions = _find_positions(head_mark, bytes(self._head))
        if not positions and tail_mark and self.is_complete:
            positions = _find_positions(tail_mark, self._tail)
        return positions[-1] if positions else None

    def feed(self, chunk: bytes) -> None:
        if not self._has_head:
            self._read_head(chunk)
        self._tail = (self._tail + chunk)[-TAIL_BYTES_LIMIT:] if len(chunk) < TAIL_BYTES_LIMIT else chunk

    def _read_head(self, chunk: bytes) -> None:
        self._head += chunk
        end = HEAD_END.search(self._head)
        if end is not None:
            del self._head[end.start() :]
        self._has_head = end is not None or len(self._head) >= HEAD_BYTES_LIMIT


def _find_positions(mark: bytes, text: bytes) -> list[str]:
    """Find all positions after a mark at the beginning of a line, a comment or not."""
    pattern = rb"^(?:/\* )?" + re.escape(mark) + rb"(?:/\*!80000 )?'\+?(?:'\*/ ')?([^']*)'"
    return [
        re.sub(r"\s", "", match.decode()).lstrip("+") for match in re.findall(pattern, text, re.MULTILINE)
    ]
