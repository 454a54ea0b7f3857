"""The transitions of a change of the option file: what each event makes of its state. Pure.

NONE, APPLIED, REFUSED -> WRITTEN -> RESTARTING -> APPLIED; and if the server does not start with the new text,
RESTARTING -> RESTORING -> REFUSED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.agent.server_config.option_file import is_same_value
from guestagent.database.steps import SERVER_DEFAULT

START_RETRY_FIRST_S, START_RETRY_LIMIT_S = 1.0, 60.0
"""Between two starts with the previous file; doubled each time. systemd gives up after five starts in ten seconds."""


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """The option file's text at `time` in the boot `boot_id`, and the instance of the server that runs then."""

    family: str
    path: str
    text: str
    server: str
    error_log: str
    time: float
    boot_id: str


@dataclass(frozen=True, slots=True)
class FileWritten:
    """The agent writes the file. `current_text`: its text until now, None if there is no file."""

    context: ChangeContext
    current_text: str | None
    originals: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class RestartBegun:
    """The agent restarts the server with the file as it is."""

    context: ChangeContext


@dataclass(frozen=True, slots=True)
class RestartFailed:
    reason: str


@dataclass(frozen=True, slots=True)
class ServerAnswered:
    """`is_same_instance`: the server has not been restarted since the file was written."""

    is_same_instance: bool


@dataclass(frozen=True, slots=True)
class ServerSilent:
    """The server does not answer at `time` in the boot `boot_id`."""

    time: float
    boot_id: str


@dataclass(frozen=True, slots=True)
class NewFileFailed:
    """The server did not start with the new text."""

    reason: str


@dataclass(frozen=True, slots=True)
class StartBegun:
    """The agent starts the server with the previous file."""

    time: float
    boot_id: str


@dataclass(frozen=True, slots=True)
class StartEnded:
    """`failure`: the error of the start, "" if it succeeded."""

    failure: str


@dataclass(frozen=True, slots=True)
class VariableSet:
    """The agent has set a variable. `actual`: the server's value afterwards; `error`: its refusal, if any."""

    name: str
    value: str
    actual: str
    error: str


@dataclass(frozen=True, slots=True)
class NodeReady:
    """The node is ready with the Variables `requested`. `names`: those that are in force or still have to go back."""

    requested: str
    names: frozenset[str]


Event = (
    FileWritten
    | RestartBegun
    | RestartFailed
    | ServerAnswered
    | ServerSilent
    | NewFileFailed
    | StartBegun
    | StartEnded
    | VariableSet
    | NodeReady
)


def advance_change(state: ChangeState, event: Event) -> ChangeState:
    """Return the state after an event."""
    match event:
        case FileWritten(context, current_text, originals):
            written = _begin_phase(state, Phase.WRITTEN, context, state.get_restore_text(current_text))
            return replace(written, last=current_text or "", originals=originals)
        case RestartBegun(context):
            return _begin_phase(state, Phase.RESTARTING, context, state.get_restore_text(context.text))
        case RestartFailed(reason):
            return replace(state, why=reason)
        case ServerAnswered(is_same_instance):
            return replace(state, phase=_choose_answered_phase(state, is_same_instance))
        case ServerSilent():
            return _record_reboot(state, event)
        case NewFileFailed(reason):
            return replace(state, phase=Phase.RESTORING, why=reason, starts=0, failure="")
        case StartBegun(time, boot_id):
            return replace(state, since=time, boot=boot_id)
        case StartEnded(failure):
            return replace(state, starts=state.starts + 1, failure=failure)
        case VariableSet():
            return _record_attempt(state, event)
        case NodeReady(requested, names):
            originals = {name: value for name, value in state.originals.items() if name in names}
            return replace(state, proved=requested, originals=originals)


def is_start_due(state: ChangeState, time: float, boot_id: str) -> bool:
    """Return whether the server should be started again with the previous file: always after a reboot."""
    return state.boot != boot_id or time - state.since >= compute_retry_pause(state.starts)


def compute_retry_pause(starts: int) -> float:
    """Compute the seconds between the last of so many starts and the next one."""
    return float(min(START_RETRY_LIMIT_S, START_RETRY_FIRST_S * 2 ** min(starts, 10)))


def _begin_phase(
    state: ChangeState, phase: Phase, context: ChangeContext, previous: str | None
) -> ChangeState:
    return replace(
        state,
        phase=phase,
        family=context.family,
        path=context.path,
        text=context.text,
        previous=previous,
        since=context.time,
        boot=context.boot_id,
        server=context.server,
        log=context.error_log,
        why="",
    )


def _choose_answered_phase(state: ChangeState, is_same_instance: bool) -> Phase:
    if state.phase is Phase.RESTARTING and is_same_instance and not state.why:
        return Phase.WRITTEN  # the agent was killed before the restart, which is still to be done
    if state.phase is Phase.RESTARTING or (state.phase is Phase.WRITTEN and not is_same_instance):
        return Phase.APPLIED
    return Phase.REFUSED if state.phase is Phase.RESTORING else state.phase


def _record_reboot(state: ChangeState, event: ServerSilent) -> ChangeState:
    """Count the time from the first silence after a reboot: the machine has started the server with the new file.

    It has done so even if no restart was requested. A state of 0.1 has no boot, and may be of this one.
    """
    has_restarted = state.phase is Phase.RESTARTING and state.boot != event.boot_id
    has_started = state.phase is Phase.WRITTEN and state.boot not in ("", event.boot_id)
    if has_restarted or has_started:
        return replace(state, phase=Phase.RESTARTING, since=event.time, boot=event.boot_id)
    return state


def _record_attempt(state: ChangeState, event: VariableSet) -> ChangeState:
    """Record a value that the server did not accept as it is, so that it is not set again and again."""
    tried = {name: attempt for name, attempt in state.tried.items() if name != event.name}
    originals = dict(state.originals)
    if event.value == SERVER_DEFAULT and not event.error:
        originals[event.name] = event.actual
    elif not is_same_value(event.value, event.actual):
        tried[event.name] = SetAttempt(event.value, event.error)
    return replace(state, tried=tried, originals=originals)
