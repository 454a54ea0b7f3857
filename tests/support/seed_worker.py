"""The seed worker with the programs of an unpacked server. Arguments: state folder, root, the server's folder."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from guestagent.agent.seed_server_control import SeedServerControl
from guestagent.agent.service_control import CommandServiceControl
from guestagent.embedded.database_servers import build_root_command
from guestagent.retry import SystemClock
from guestagent.seeding import SeedFiles, SeedMethod
from guestagent.seeding.backup_runner import BackupRunner
from guestagent.seeding.programs import SeedPrograms
from guestagent.seeding.protocols import SeedInterrupted
from guestagent.seeding.worker import WorkerEnvironment, run_seed

if __name__ == "__main__":
    state_folder, root, server_folder = map(Path, sys.argv[1:])
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    clock = SystemClock()
    service = CommandServiceControl((f"{server_folder}/start",), (f"{server_folder}/stop",), ())
    programs = SeedPrograms(build_root_command(root, ()))
    environment = WorkerEnvironment(
        files=SeedFiles(state_folder),
        clock=clock,
        server=SeedServerControl(service, server_folder / "s", 10.0, clock),
        runners={SeedMethod.BACKUP: lambda: BackupRunner(programs)},
        is_stopping=lambda: bool(received),
        log=lambda line: print(line, flush=True),
    )
    try:
        run_seed(environment)
    except SeedInterrupted:
        print("interrupted", flush=True)
