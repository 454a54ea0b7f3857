"""The seed worker with the programs of an unpacked server.

Arguments: the state folder, the root, the server's folder, and optionally the point at which it kills itself.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from guestagent.agent.seed_server_control import SeedServerControl
from guestagent.agent.service_control import CommandServiceControl
from guestagent.embedded.database_servers import build_root_command
from guestagent.retry import SystemClock
from guestagent.seeding import SeedFiles, SeedMethod, SeedState
from guestagent.seeding.backup_runner import BackupRunner
from guestagent.seeding.clone_runner import CloneRunner
from guestagent.seeding.dump_runner import DumpRunner
from guestagent.seeding.programs import SeedPrograms
from guestagent.seeding.protocols import SeedInterrupted
from guestagent.seeding.worker import WorkerEnvironment, run_seed
from tests.support.seeded_replica import is_kill_point


class KillingFiles(SeedFiles):
    """Files of a seed that kill the process when a state at the point is on the disk."""

    def __init__(self, state_folder: Path, point: str) -> None:
        super().__init__(state_folder)
        self._point = point

    def write_state(self, state: SeedState) -> None:
        super().write_state(state)
        if self._point and is_kill_point(state, self._point):
            os.kill(os.getpid(), signal.SIGKILL)


def build_environment(
    files: SeedFiles, root: Path, server_folder: Path, received: list[int]
) -> WorkerEnvironment:
    """Build the environment for a server with scripts. The worker stops after a signal is received."""
    clock, socket = SystemClock(), server_folder / "s"
    service = CommandServiceControl((f"{server_folder}/start",), (f"{server_folder}/stop",), ())
    programs = SeedPrograms(build_root_command(root, ()))
    return WorkerEnvironment(
        files=files,
        clock=clock,
        server=SeedServerControl(service, socket, 10.0, clock),
        runners={
            SeedMethod.BACKUP: lambda: BackupRunner(programs),
            SeedMethod.CLONE: lambda: CloneRunner(str(socket), clock),
            SeedMethod.DUMP: lambda: DumpRunner(programs, clock),
        },
        is_stopping=lambda: bool(received),
        log=lambda line: print(line, flush=True),
    )


if __name__ == "__main__":
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    state_folder, root, server_folder = map(Path, sys.argv[1:4])
    files = KillingFiles(state_folder, "".join(sys.argv[4:]))
    try:
        run_seed(build_environment(files, root, server_folder, received))
    except SeedInterrupted:
        print("interrupted", flush=True)
