"""The seed worker with the programs of an unpacked server.

Arguments: the state folder, the root, the server's folder, and optionally the phase or the step of the memo at whose
beginning it kills itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from guestagent.agent.seed_server_control import SeedServerControl
from guestagent.agent.service_control import CommandServiceControl
from guestagent.embedded.database_servers import build_root_command
from guestagent.retry import SystemClock
from guestagent.seeding import SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.backup_runner import BackupRunner
from guestagent.seeding.programs import SeedPrograms
from guestagent.seeding.protocols import SeedInterrupted, SeedReporter, SeedResult, ServerControl
from guestagent.seeding.worker import WorkerEnvironment, run_seed


class KillingReporter:
    """A SeedReporter that kills the process when a phase begins or a step is remembered, after it is on the disk."""

    def __init__(self, reporter: SeedReporter, point: str) -> None:
        self._reporter, self._point = reporter, point

    @property
    def state(self) -> SeedState:
        return self._reporter.state

    def enter(self, phase: SeedPhase) -> None:
        self._reporter.enter(phase)
        self._kill_at(str(phase))

    def report_bytes(self, done: int, total: int) -> None:
        self._reporter.report_bytes(done, total)
        if done:
            self._kill_at("bytes")

    def report_queue(self, place: int) -> None:
        self._reporter.report_queue(place)

    def check_stalled(self) -> None:
        self._reporter.check_stalled()

    def remember(self, memo: Mapping[str, str]) -> None:
        self._reporter.remember(memo)
        self._kill_at(memo.get("step", ""))

    def check_stop(self) -> None:
        self._reporter.check_stop()

    def _kill_at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


class KilledRunner(BackupRunner):
    """A BackupRunner that is killed at one point."""

    def __init__(self, programs: SeedPrograms, point: str) -> None:
        super().__init__(programs)
        self._point = point

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        return super().run(request, KillingReporter(reporter, self._point), server)


if __name__ == "__main__":
    state_folder, root, server_folder = map(Path, sys.argv[1:4])
    point = sys.argv[4] if len(sys.argv) > 4 else ""
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    clock = SystemClock()
    service = CommandServiceControl((f"{server_folder}/start",), (f"{server_folder}/stop",), ())
    programs = SeedPrograms(build_root_command(root, ()))
    environment = WorkerEnvironment(
        files=SeedFiles(state_folder),
        clock=clock,
        server=SeedServerControl(service, server_folder / "s", 10.0, clock),
        runners={SeedMethod.BACKUP: lambda: KilledRunner(programs, point)},
        is_stopping=lambda: bool(received),
        log=lambda line: print(line, flush=True),
    )
    try:
        run_seed(environment)
    except SeedInterrupted:
        print("interrupted", flush=True)
