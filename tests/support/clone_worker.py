"""The seed worker for a server with scripts. Arguments: the folder of the agent's state, and that of the server."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from guestagent.agent.seed_server_control import SeedServerControl
from guestagent.agent.service_control import CommandServiceControl
from guestagent.retry import SystemClock
from guestagent.seeding import SeedFiles, SeedMethod
from guestagent.seeding.clone_runner import CloneRunner
from guestagent.seeding.protocols import SeedInterrupted
from guestagent.seeding.worker import WorkerEnvironment, run_seed


def build_environment(files: SeedFiles, server_folder: Path, is_terminated: list[int]) -> WorkerEnvironment:
    """Build a worker's environment for the server of this folder."""
    clock, socket = SystemClock(), server_folder / "s"
    service = CommandServiceControl((f"{server_folder}/start",), (f"{server_folder}/stop",), ())
    return WorkerEnvironment(
        files=files,
        clock=clock,
        server=SeedServerControl(service, socket, 10.0, clock),
        runners={SeedMethod.CLONE: lambda: CloneRunner(str(socket), clock)},
        is_stopping=lambda: bool(is_terminated),
        log=lambda line: print(line, flush=True),
    )


if __name__ == "__main__":
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    state_folder, folder = map(Path, sys.argv[1:])
    try:
        run_seed(build_environment(SeedFiles(state_folder), folder, received))
    except SeedInterrupted:
        print("interrupted", flush=True)
