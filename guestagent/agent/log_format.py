"""The agent's log: one line for each record, whatever stands in the message."""

from __future__ import annotations

import logging
import sys

from guestagent.text_escaping import escape_line


class LineFormatter(logging.Formatter):
    """Spells controls and line breaks: what others say cannot look like a line of ours, and steers no terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_line(super().format(record))


def configure_log(level: int) -> None:
    """Write records of at least that level to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
