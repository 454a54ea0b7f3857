"""The seed worker for a dump by an unpacked server's programs. Arguments: state folder, root, the server's folder."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from guestagent.agent.seed_server_control import SeedServerControl
from guestagent.agent.service_control import CommandServiceControl
from guestagent.embedded.database_servers import build_root_command
from guestagent.retry import SystemClock
from guestagent.seeding import SeedFiles, SeedMethod
from guestagent.seeding.dump_runner import DumpRunner
from guestagent.seeding.programs import SeedPrograms
from guestagent.seeding.protocols import SeedInterrupted
from guestagent.seeding.worker import WorkerEnvironment, run_seed


def build_environment(
    files: SeedFiles, root: Path, server_folder: Path, is_terminated: list[int]
) -> WorkerEnvironment:
    """Build a worker's environment for the server of this folder."""
    clock = SystemClock()
    service = CommandServiceControl((f"{server_folder}/start",), (f"{server_folder}/stop",), ())
    programs = SeedPrograms(build_root_command(root, ()))
    return WorkerEnvironment(
        files=files,
        clock=clock,
        server=SeedServerControl(service, server_folder / "s", 10.0, clock),
        runners={SeedMethod.DUMP: lambda: DumpRunner(programs, clock)},
        is_stopping=lambda: bool(is_terminated),
        log=lambda line: print(line, flush=True),
    )


if __name__ == "__main__":
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    state_folder, root_folder, folder = map(Path, sys.argv[1:])
    try:
        run_seed(build_environment(SeedFiles(state_folder), root_folder, folder, received))
    except SeedInterrupted:
        print("interrupted", flush=True)
