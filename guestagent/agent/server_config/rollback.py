"""The way back to the option file with which the server last ran, when it does not come up with the new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.server_config.change_state import ChangeFile, ChangeState, Phase
from guestagent.agent.server_config.error_log import (
    extract_last_errors,
    find_blamed_settings,
    find_named_settings,
)
from guestagent.agent.server_config.plan import CONDITION_NAME
from guestagent.agent.service_control import CommandResult, ServiceControl
from guestagent.retry import Clock

OPTION_FILE_MODE = 0o644
"""The server's own user reads it; no secret stands in it."""

START_RETRY_FIRST_S, START_RETRY_LIMIT_S = 1.0, 60.0
"""Between two starts with the previous file; doubled each time. systemd gives up after five starts in ten seconds."""

LOG_TAIL_LIMIT = 20000  # bytes

WaitCallback = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Rollback:
    """`control(family)` is the server as a service. `boot` names the boot of the machine in which `clock` counts."""

    change_file: ChangeFile
    service_control: Callable[[str], ServiceControl]
    clock: Clock
    boot_id: str

    def recover_server(self, silence: str, patience: float, meanwhile: WaitCallback) -> Condition | None:
        """Bring up a server that does not answer after a restart of ours; None if no restart of ours is the reason.

        `silence` says how it does not answer. `patience`: seconds after which the previous file is put back.
        """
        self._note_reboot()
        record = self.change_file.state
        if record.phase is Phase.RESTARTING:
            return self._wait_for_new_file(silence, patience, meanwhile)
        if record.phase is Phase.RESTORING:
            return self._start_with_previous_file(silence, meanwhile)
        if record.phase is Phase.REFUSED:
            return Condition(
                CONDITION_NAME, ConditionState.PENDING, "a server that answers", f"{silence}; {record.why}"
            )
        return None

    def describe_rollback(self, silence: str) -> Condition | None:
        """Describe how the server does with the previous file; None if it was not put back, or the server answered."""
        record = self.change_file.state
        if record.phase is not Phase.RESTORING:
            return None
        wanted = "a server that runs with the previous option file"
        if not record.failure:
            return Condition(
                CONDITION_NAME,
                ConditionState.PENDING,
                wanted,
                f"{silence}; it was started again; {record.why}",
            )
        seen = f"it does not start with that file either ({record.failure}); {record.why}"
        do = (
            f"see the server's error log; it is started again at least once every {START_RETRY_LIMIT_S:.0f} s"
        )
        return Condition(CONDITION_NAME, ConditionState.PENDING, wanted, seen, do)

    def restore_file(self) -> None:
        """Put the previous option file back, or remove ours if there was none."""
        record = self.change_file.state
        path = Path(record.path).resolve()
        if record.previous is None:
            atomic_file.remove_file(path)
        else:
            atomic_file.write_file(path, record.previous.encode(), OPTION_FILE_MODE)

    def _note_reboot(self) -> None:
        """Count the time from the first look after a reboot: the machine has started the server with the new file.

        It has done so even if no restart was asked for. A record of 0.1 holds no boot, and may be of this one.
        """
        record, now = self.change_file.state, self.clock.now()
        restarted = record.phase is Phase.RESTARTING and record.boot != self.boot_id
        started = record.phase is Phase.WRITTEN and record.boot not in ("", self.boot_id)
        if restarted or started:
            self.change_file.write(replace(record, phase=Phase.RESTARTING, since=now, boot=self.boot_id))

    def _wait_for_new_file(self, silence: str, patience: float, meanwhile: WaitCallback) -> Condition:
        record = self.change_file.state
        waited = max(0.0, self.clock.now() - record.since)
        ended = (
            CommandResult(False, record.why)
            if record.why
            else self.service_control(record.family).start(meanwhile)
        )
        if waited < patience and not (record.why or self._blames_file(ended, record)):
            return _pending(f"{silence} ({waited:.0f} s after the restart)")
        self._give_back(ended.output or f"no answer {waited:.0f} s after the restart")
        self._start(meanwhile)
        return _pending("it did not come up: the previous option file is back")

    def _blames_file(self, ended: CommandResult, record: ChangeState) -> bool:
        """Whether a start failed for a line of the new file. It can fail for the start command's own reasons, too."""
        return not ended.is_success and bool(find_named_settings(self._last_words(record), record.text))

    def _give_back(self, said: str) -> None:
        """Keep the server's own last words before anything is done, then put the previous file back."""
        record = self.change_file.state
        words = self._last_words(record)
        variables = ", ".join(find_blamed_settings(words, record.last, record.text)) or "not known"
        why = f"the server did not start with it ({said}); variable: {variables}; its last words: {words or 'none'}"
        self.change_file.write(replace(record, phase=Phase.RESTORING, why=why, starts=0, failure=""))

    def _start_with_previous_file(self, silence: str, meanwhile: WaitCallback) -> Condition:
        """Start it again and again, for nobody else does. The phase ends when the server answers."""
        record = self.change_file.state
        waited = self.clock.now() - record.since
        if record.boot != self.boot_id or waited >= compute_retry_pause(record.starts):
            self._start(meanwhile)
        return self.describe_rollback(silence) or _pending(silence)

    def _start(self, meanwhile: WaitCallback) -> None:
        """Put the file back and start the server. The first time it is a restart: it may hang with the new file.

        A later restart would end a server that is still recovering. Only a kill of the agent repeats the first one.
        """
        self.restore_file()
        record = self.change_file.state
        self.change_file.write(replace(record, since=self.clock.now(), boot=self.boot_id))
        control, failure = self.service_control(record.family), record.failure
        try:
            ended = control.start(meanwhile) if record.starts else control.restart(meanwhile)
            failure = "" if ended.is_success else self._explain(ended, record)
        finally:
            self.change_file.write(replace(self.change_file.state, starts=record.starts + 1, failure=failure))

    def _explain(self, ended: CommandResult, record: ChangeState) -> str:
        words = self._last_words(record)
        said = ended.output or "the start command failed"
        return f"{said}; its last words: {words}" if words else said

    def _last_words(self, record: ChangeState) -> str:
        return extract_last_errors(_read_tail(record.log), self.service_control(record.family).read_log())


def compute_retry_pause(starts: int) -> float:
    """Seconds between the last of so many starts and the next one."""
    return float(min(START_RETRY_LIMIT_S, START_RETRY_FIRST_S * 2 ** min(starts, 10)))


def _pending(seen: str) -> Condition:
    return Condition(
        CONDITION_NAME, ConditionState.PENDING, "the server to come up with its new option file", seen
    )


def _read_tail(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LOG_TAIL_LIMIT))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
