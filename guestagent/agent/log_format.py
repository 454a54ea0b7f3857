"""The format of the agent's log: one line for each record, whatever the message contains."""

from __future__ import annotations

import logging
import sys

from guestagent.text_escaping import escape_line


class LineFormatter(logging.Formatter):
    """Escapes control characters and line breaks, so that foreign text cannot fake a line or control a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_line(super().format(record))


def configure_log(level: int) -> None:
    """Write records of at least that level to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
