"""The rollback of the option file: if the server does not start with the new text, it gets the previous one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.model import Condition
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import ChangeState, Phase
from guestagent.agent.server_config.conditions import (
    judge_previous_file,
    judge_refused_change,
    judge_server_start,
)
from guestagent.agent.server_config.error_log import (
    find_blamed_settings,
    find_named_settings,
    read_last_errors,
)
from guestagent.agent.server_config.transitions import (
    NewFileFailed,
    StartBegun,
    StartEnded,
    is_start_due,
)
from guestagent.agent.server_sizes.option_file_path import OPTION_FILE_MODE
from guestagent.agent.service_control import CommandResult, ServiceControl
from guestagent.retry import Clock

WaitCallback = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Rollback:
    """Starts a silent server, and restores its option file. `boot_id` names the boot in which `clock` counts."""

    change_file: ChangeFile
    service_control: Callable[[str], ServiceControl]
    clock: Clock
    boot_id: str

    def recover_server(self, silence: str, patience: float, meanwhile: WaitCallback) -> Condition | None:
        """Recover a server that does not answer after a restart; None if no restart by the agent is the reason.

        `silence` is the error of the connection. `patience`: seconds until the previous file is put back.
        """
        self.change_file.record_silence(self.clock.now(), self.boot_id)
        state = self.change_file.state
        match state.phase:
            case Phase.RESTARTING:
                return self._wait_for_server(silence, patience, meanwhile)
            case Phase.RESTORING:
                if is_start_due(state, self.clock.now(), self.boot_id):
                    self._start_with_previous_file(meanwhile)
                return judge_previous_file(self.change_file.state, silence)
            case Phase.REFUSED:
                return judge_refused_change(state, silence)
        return None

    def describe_rollback(self, silence: str) -> Condition | None:
        """Judge the server with the previous file; None if none was put back, or the server has answered since."""
        state = self.change_file.state
        return judge_previous_file(state, silence) if state.phase is Phase.RESTORING else None

    def restore_file(self) -> None:
        """Put the previous option file back, or remove the agent's if there was none."""
        state = self.change_file.state
        path = Path(state.path).resolve()
        if state.previous is None:
            atomic_file.remove_file(path)
        else:
            atomic_file.write_file(path, state.previous.encode(), OPTION_FILE_MODE)

    def _wait_for_server(self, silence: str, patience: float, meanwhile: WaitCallback) -> Condition:
        """Wait until `patience` is over or the new file is blamed, then put the previous one back."""
        state = self.change_file.state
        waited = max(0.0, self.clock.now() - state.since)
        result = CommandResult(False, state.why)
        if not state.why:
            result = self.service_control(state.family).start(meanwhile)
        if waited < patience and not state.why and not self._has_file_error(result, state):
            return judge_server_start(f"{silence} ({waited:.0f} s after the restart)")
        self._record_failure(state, result.output or f"no answer {waited:.0f} s after the restart")
        self._start_with_previous_file(meanwhile)
        return judge_server_start("it did not come up: the previous option file is back")

    def _has_file_error(self, result: CommandResult, state: ChangeState) -> bool:
        """Return whether a start failed because of a line of the new file, not for reasons of the start command."""
        return not result.is_success and bool(find_named_settings(self._read_last_errors(state), state.text))

    def _record_failure(self, state: ChangeState, error: str) -> None:
        """Record the server's last errors, before a start with the previous file adds others."""
        last_errors = self._read_last_errors(state)
        variables = ", ".join(find_blamed_settings(last_errors, state.last, state.text)) or "not known"
        reason = (
            f"the server did not start with it ({error}); variable: {variables}; "
            f"last error log lines: {last_errors or 'none'}"
        )
        self.change_file.record(NewFileFailed(reason))

    def _start_with_previous_file(self, meanwhile: WaitCallback) -> None:
        """Put the previous file back and start the server: nothing else starts it.

        The first time it is a restart, because the server may hang with the new file. A later restart would end a
        server that is still recovering. Only a kill of the agent repeats the first one.
        """
        self.restore_file()
        state = self.change_file.state
        self.change_file.record(StartBegun(self.clock.now(), self.boot_id))
        control, failure = self.service_control(state.family), state.failure
        try:
            result = control.start(meanwhile) if state.starts else control.restart(meanwhile)
            failure = "" if result.is_success else self._describe_failure(result, state)
        finally:
            self.change_file.record(StartEnded(failure))

    def _describe_failure(self, result: CommandResult, state: ChangeState) -> str:
        error, last_errors = result.output or "the start command failed", self._read_last_errors(state)
        return f"{error}; last error log lines: {last_errors}" if last_errors else error

    def _read_last_errors(self, state: ChangeState) -> str:
        return read_last_errors(state.log, self.service_control(state.family))
