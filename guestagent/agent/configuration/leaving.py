"""Variables that the document no longer asks for and that are still in force. Pure.

They go back to the value that the server had before the agent set them: its own default, or another option file's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from guestagent.agent.configuration.optionfile import read_lines, same
from guestagent.agent.configuration.record import Record
from guestagent.agent.configuration.wanted import Force, Setting
from guestagent.database.steps import SERVER_DEFAULT
from guestagent.metadata.known_variables import KNOWN, Takes

WHY = "No longer asked for by the metadata."


def list_candidates(
    record: Record, before: str | None, settings: Iterable[Setting], family: str
) -> frozenset[str]:
    """List the variables that are in no option file of ours any more, as far as the record and the old file tell."""
    kept = {each.name for each in settings}
    names = {*record.originals, *_written(record, before)} - kept
    return frozenset(name for name in names if name in KNOWN and KNOWN[name].takes(family) is not None)


def find_leaving(
    names: Iterable[str], record: Record, before: str | None, running: Mapping[str, str], family: str
) -> Iterator[Setting]:
    """Return what each of these variables should be now.

    An original value that is not known is the server's default; but only if the server shows the file's value now.
    """
    written = _written(record, before)
    for name in sorted(names):
        if name in record.originals or same(written[name], running.get(name, "")):
            original = record.originals.get(name)
            force = Force.RESTART if KNOWN[name].takes(family) is Takes.AT_START else Force.AT_ONCE
            yield Setting(name, SERVER_DEFAULT if original is None else original, WHY, force)


def remember_originals(
    record: Record,
    before: str | None,
    settings: Iterable[Setting],
    leaving: Iterable[Setting],
    running: Mapping[str, str],
) -> dict[str, str | None]:
    """Return the values before the agent set them, of all that is asked for or still has to go back.

    A value that the old file held already is not the original one, which is not known then (None).
    """
    held = read_lines(before or "")
    found: dict[str, str | None] = {each.name: None for each in leaving}
    for each in settings:
        if each.asked and each.name in running:
            found[each.name] = None if each.name in held else running[each.name]
    return {name: record.originals.get(name, value) for name, value in found.items()}


def _written(record: Record, before: str | None) -> Mapping[str, str]:
    """The lines of the file as it is, if the agent wrote it."""
    return read_lines(record.text) if before is not None and before == record.text else {}
