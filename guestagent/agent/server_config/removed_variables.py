"""Variables that the document no longer asks for and that are still in force. Pure.

They go back to the value that the server had before the agent set them: its own default, or another option file's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.server_config.option_file import is_same_value, parse_option_file
from guestagent.agent.server_config.settings import Activation, ServerSetting
from guestagent.database.steps import SERVER_DEFAULT
from guestagent.metadata.variable_allowlist import KNOWN_VARIABLES, ChangeMode

REMOVAL_REASON = "No longer asked for by the metadata."


def list_removed_variables(
    record: ChangeState, before: str | None, settings: Iterable[ServerSetting], family: str
) -> frozenset[str]:
    """List the variables that are in no option file of ours any more, as far as the record and the old file tell."""
    kept = {each.name for each in settings}
    names = {*record.originals, *_written(record, before)} - kept
    return frozenset(
        name
        for name in names
        if name in KNOWN_VARIABLES and KNOWN_VARIABLES[name].get_change_mode(family) is not None
    )


def find_reverts(
    names: Iterable[str], record: ChangeState, before: str | None, running: Mapping[str, str], family: str
) -> Iterator[ServerSetting]:
    """Return what each of these variables should be now.

    An original value that is not known is the server's default; but only if the server shows the file's value now.
    """
    written = _written(record, before)
    for name in sorted(names):
        if name in record.originals or is_same_value(written[name], running.get(name, "")):
            original = record.originals.get(name)
            force = (
                Activation.RESTART
                if KNOWN_VARIABLES[name].get_change_mode(family) is ChangeMode.STATIC
                else Activation.AT_ONCE
            )
            yield ServerSetting(name, SERVER_DEFAULT if original is None else original, REMOVAL_REASON, force)


def collect_originals(
    record: ChangeState,
    before: str | None,
    settings: Iterable[ServerSetting],
    leaving: Iterable[ServerSetting],
    running: Mapping[str, str],
) -> dict[str, str | None]:
    """Return the values before the agent set them, of all that is asked for or still has to go back.

    A value that the old file held already is not the original one, which is not known then (None).
    """
    held = parse_option_file(before or "")
    found: dict[str, str | None] = {each.name: None for each in leaving}
    for each in settings:
        if each.is_requested and each.name in running:
            found[each.name] = None if each.name in held else running[each.name]
    return {name: record.originals.get(name, value) for name, value in found.items()}


def _written(record: ChangeState, before: str | None) -> Mapping[str, str]:
    """The lines of the file as it is, if the agent wrote it."""
    return parse_option_file(record.text) if before is not None and before == record.text else {}
