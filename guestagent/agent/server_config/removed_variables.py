"""Variables that the document no longer asks for and that are still in force. Pure.

They go back to the value that the server had before the agent set them: its own default, or another option file's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.server_config.option_file import is_same_value
from guestagent.agent.server_config.settings import Activation, ServerSetting
from guestagent.agent.server_sizes.option_file_text import parse_option_file
from guestagent.database.steps import SERVER_DEFAULT
from guestagent.metadata.variable_allowlist import KNOWN_VARIABLES, ChangeMode

REMOVAL_REASON = "No longer asked for by the metadata."


def list_removed_variables(
    state: ChangeState, current_text: str | None, settings: Iterable[ServerSetting], family: str
) -> frozenset[str]:
    """List the variables that the desired option file no longer has, from the state and the present file."""
    names = {*state.originals, *_parse_written_file(state, current_text)}
    names -= {each.name for each in settings}
    return frozenset(
        name
        for name in names
        if name in KNOWN_VARIABLES and KNOWN_VARIABLES[name].get_change_mode(family) is not None
    )


def find_reverts(
    names: Iterable[str],
    state: ChangeState,
    current_text: str | None,
    running_values: Mapping[str, str],
    family: str,
) -> Iterator[ServerSetting]:
    """Find the values to which these variables go back.

    An original value that is not known is the server's default; but only if the server has the file's value now.
    """
    written_values = _parse_written_file(state, current_text)
    for name in sorted(names):
        if name in state.originals or is_same_value(written_values[name], running_values.get(name, "")):
            original = state.originals.get(name)
            activation = (
                Activation.RESTART
                if KNOWN_VARIABLES[name].get_change_mode(family) is ChangeMode.STATIC
                else Activation.AT_ONCE
            )
            yield ServerSetting(
                name, SERVER_DEFAULT if original is None else original, REMOVAL_REASON, activation
            )


def collect_originals(
    state: ChangeState,
    current_text: str | None,
    settings: Iterable[ServerSetting],
    reverts: Iterable[ServerSetting],
    running_values: Mapping[str, str],
) -> dict[str, str | None]:
    """Collect the values before the agent set them, of all variables that are requested or still have to go back.

    A value that the present file has already is not the original one, which is not known then (None).
    """
    present_values = parse_option_file(current_text or "")
    originals: dict[str, str | None] = {each.name: None for each in reverts}
    for each in settings:
        if each.is_requested and each.name in running_values:
            originals[each.name] = None if each.name in present_values else running_values[each.name]
    return {name: state.originals.get(name, value) for name, value in originals.items()}


def _parse_written_file(state: ChangeState, current_text: str | None) -> Mapping[str, str]:
    """Parse the present file, if the agent wrote it."""
    is_written = current_text is not None and current_text == state.text
    return parse_option_file(state.text) if is_written else {}
