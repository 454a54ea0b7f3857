"""Standard output and error as the commands write to them: whatever they are, and whatever is written."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from guestagent.text_escaping import escape_text

BROKEN_PIPE_ERRNOS = frozenset({errno.EPIPE, errno.ECONNRESET})
"""Whoever read our output has ended."""


class OutputError(OSError):
    """The answer cannot be written. `errno` says why."""


class VisibleStream:
    """A text stream that spells controls, and that fails with Unwritten, or not at all if `is_optional`."""

    def __init__(self, stream: TextIO | None, is_optional: bool) -> None:
        self.stream, self._is_optional = stream, is_optional

    def write(self, text: str) -> int:
        with self._failing():
            if self.stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self.stream.write(escape_text(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        with self._failing():
            if self.stream is not None:
                self.stream.flush()

    def isatty(self) -> bool:
        return self.stream is not None and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            if not self._is_optional:
                number = (error.errno if isinstance(error, OSError) else None) or errno.EBADF
                raise OutputError(number, os.strerror(number)) from error


@contextmanager
def prepare_streams() -> Iterator[None]:
    """Have standard input, output and error that can be used, also if they are closed or know only ASCII."""
    _occupy_descriptors()
    before = sys.stdin, sys.stdout, sys.stderr
    for stream in before[1:]:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdin = before[0] or io.TextIOWrapper(io.BytesIO())
    sys.stdout = VisibleStream(before[1], is_optional=False)
    sys.stderr = VisibleStream(before[2], is_optional=True)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def get_terminal(stream: TextIO) -> TextIO:
    """Return the stream to write colours and movements of the cursor to. What others say is escaped by the caller."""
    return stream.stream or io.StringIO() if isinstance(stream, VisibleStream) else stream


def discard_stdout() -> None:
    """Have nothing more written: the interpreter would try again while it ends, and complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, get_terminal(sys.stdout).fileno())
        os.close(null)


def _occupy_descriptors() -> None:
    """A file that is opened while 0, 1 or 2 is closed gets that number, and then what is written there."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
