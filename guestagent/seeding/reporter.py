"""Writes the progress of a seed to its state file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from guestagent.errors import GuestAgentError, SeedError, StorageError
from guestagent.retry import Clock
from guestagent.seeding.protocols import SeedInterrupted, SeedResult
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.seed_files import SeedFiles
from guestagent.seeding.state import SeedPhase, SeedState

STALL_TIMEOUT_S = 60.0
"""An attempt whose bytes have not moved for so long is given up, and another one begins."""
STALL_ADVICE = "is the source's node up, and the network?"
WRITE_INTERVAL_S = 1.0
REQUEST_INTERVAL_S = 1.0
LOG_INTERVAL_S = 30.0


class FileReporter:
    """A SeedReporter. Its time is that of the machine's running, and goes on where the last worker's ended."""

    def __init__(
        self,
        state: SeedState,
        request: SeedRequest | None,
        files: SeedFiles,
        clock: Clock,
        is_stopping: Callable[[], bool],
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        """`request` is what is wanted now; without one, nothing is. `log` gets a line about the bytes now and then."""
        self._log, self._last_log = log, clock.now()
        self._state, self._request, self._files = state, request, files
        self._clock, self._is_stopping = clock, is_stopping
        self._start = clock.now() - state.elapsed_s
        self._has_told_resumption = False
        self._last_write = self._last_look = clock.now()
        self._rate_from = (clock.now(), state.bytes_done)

    @property
    def state(self) -> SeedState:
        return self._state

    @property
    def elapsed_s(self) -> float:
        return self._clock.now() - self._start

    def begin_attempt(self) -> None:
        """Count an attempt. Its bytes begin to move now. On a full disk it goes on: the runner may make room."""
        self._note(replace(self._state, attempts=self._state.attempts + 1, moved_at_s=self.elapsed_s))

    def enter(self, phase: SeedPhase) -> None:
        self.check_stop()
        state = self._state.count(self.elapsed_s).enter(phase)
        self._rate_from = (self._clock.now(), state.bytes_done)
        self._write(replace(state, moved_at_s=self.elapsed_s))

    def report_bytes(self, done: int, total: int) -> None:
        state, now, elapsed = self._state, self._clock.now(), self.elapsed_s
        if done != state.bytes_done:
            self.check_stop()
            state = replace(state, bytes_done=done, bytes_total=total, moved_at_s=elapsed)
        else:
            self.check_stalled()
        self._state = state
        if now - self._last_write >= WRITE_INTERVAL_S:
            self._write(replace(state.count(elapsed), rate=self._measure_rate(now, done)))
            if now - self._last_log >= LOG_INTERVAL_S:
                self._log(self._state.describe())
                self._last_log = now

    def report_queue(self, place: int) -> None:
        self.check_stop()
        state = replace(self._state, queue=place, moved_at_s=self.elapsed_s)
        if place != self._state.queue:
            self._log(state.describe())
            self._write(state.count(self.elapsed_s))
        self._state = replace(self._state, moved_at_s=state.moved_at_s)

    def check_stalled(self) -> None:
        self.check_stop()
        if self.elapsed_s - self._state.moved_at_s >= STALL_TIMEOUT_S:
            reason = f"no byte has come for {STALL_TIMEOUT_S:.0f} s, after {self._state.bytes_done} bytes"
            raise SeedError(reason, STALL_ADVICE, is_transient=True)

    def _measure_rate(self, now: float, done: int) -> int:
        since, before = self._rate_from
        self._rate_from = (now, done)
        return max(0, int((done - before) / (now - since))) if now > since else 0

    def report_resumption(self, how: str) -> None:
        if self._state.resumed and not self._has_told_resumption:
            self._has_told_resumption = True
            self._log(how)
            self._note(replace(self._state, resumed=f"{self._state.resumed}: {how}"))

    def remember(self, memo: Mapping[str, str]) -> None:
        self._write(replace(self._state, memo=dict(memo)))

    def check_stop(self) -> None:
        if self._is_stopping():
            raise SeedInterrupted
        now = self._clock.now()
        if now - self._last_look >= REQUEST_INTERVAL_S:
            self._last_look = now
            if not self._files.has_request(self._request):
                raise SeedInterrupted

    def note_failure(self, error: GuestAgentError) -> None:
        """Record why an attempt has failed. A full disk must not end the next one."""
        self._note(
            replace(self._state.count(self.elapsed_s), failure=str(error), advice=error.advice, rate=0)
        )

    def fail(self, error: GuestAgentError) -> SeedState:
        """End the seed."""
        state = self._state.count(self.elapsed_s).enter(SeedPhase.FAILED)
        return self._write(replace(state, failure=str(error), advice=error.advice))

    def complete(self, result: SeedResult) -> SeedState:
        """End the seed: its data are in place, and the server runs."""
        state = self._state.count(self.elapsed_s).enter(SeedPhase.DONE)
        return self._write(
            replace(
                state, position=result.position, bytes_done=result.bytes_done, failure="", advice="", memo={}
            )
        )

    def _note(self, state: SeedState) -> None:
        """Write a state that the seed does not depend on: without room it is written with the next one."""
        try:
            self._write(state)
        except StorageError:
            self._state = state

    def _write(self, state: SeedState) -> SeedState:
        self._files.write_state(state)
        self._state, self._last_write = state, self._clock.now()
        return state
