"""Standard output and error of the commands, which work with any stream and any text."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from guestagent.text_escaping import escape_line, escape_text

BROKEN_PIPE_ERRNOS = frozenset({errno.EPIPE, errno.ECONNRESET})
"""The errors of a pipe or socket whose reader has ended."""


class OutputError(OSError):
    """An output that cannot be written. `errno` is the reason; `error_report.report_output_error` handles it."""


class VisibleStream:
    """A text stream that escapes control characters. It fails with OutputError, or not at all if `is_optional`."""

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
    """Make standard input, output and error usable, even if they are closed or support only ASCII."""
    _occupy_descriptors()
    stdin, stdout, stderr = sys.stdin, sys.stdout, sys.stderr
    for stream in (stdout, stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdin = stdin or io.TextIOWrapper(io.BytesIO())
    sys.stdout = VisibleStream(stdout, is_optional=False)
    sys.stderr = VisibleStream(stderr, is_optional=True)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr


def get_terminal(stream: TextIO) -> TextIO:
    """Return the stream for colours and cursor movements. The caller escapes foreign texts."""
    return stream.stream or io.StringIO() if isinstance(stream, VisibleStream) else stream


def write_log_line(line: str) -> None:
    """Write one line to stderr at once, whatever characters it has."""
    sys.stderr.write(f"{escape_line(line)}\n")
    sys.stderr.flush()


def discard_stdout() -> None:
    """Discard the rest of the output: the interpreter would otherwise retry at its end, and print an error."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, get_terminal(sys.stdout).fileno())
        os.close(null)


def _occupy_descriptors() -> None:
    """Open /dev/null for closed standard streams. Otherwise the next opened file would get their output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
