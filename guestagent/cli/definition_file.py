"""The file of a source's definitions for `guestagent verify`: `-` is standard input or output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli.input_file import read_input
from guestagent.cli.output import write_log_line
from guestagent.errors import InvalidInput, NotReady, Problem

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings
    from guestagent.metadata.document import Document
    from guestagent.verification.written_definitions import WrittenDefinitions

STDOUT_NAME = "-"


def write_definitions(settings: Settings, document: Document, file: str) -> None:
    """Write the definitions of this source. A file is readable by root alone: definitions may hold secrets."""
    from contextlib import closing

    from guestagent import atomic_file
    from guestagent.agent.timestamp import read_timestamp
    from guestagent.verification import connections
    from guestagent.verification.definition_source import collect_definitions

    if document.source is not None:
        raise NotReady("this node is a replica: run the command on its source")
    with closing(
        connections.open_local_session(str(settings.database_socket), settings.database_timeout)
    ) as connection:
        written = collect_definitions(connection, read_timestamp().at)
    if file == STDOUT_NAME:
        sys.stdout.write(written.format())
    else:
        atomic_file.write_file(Path(file), written.format().encode())
    write_log_line(f"{written.describe()} written")


def read_definitions(file: str) -> WrittenDefinitions:
    """Read the definitions of a source. Raises InvalidInput if the file does not hold any."""
    from guestagent.strict_json import UnreadableContent
    from guestagent.verification.written_definitions import parse_written_definitions

    text, name = read_input(file)
    try:
        return parse_written_definitions(text)
    except UnreadableContent as error:
        expected = "what `guestagent verify --write-definitions` has written"
        raise InvalidInput([Problem(name, expected, str(error))]) from None
