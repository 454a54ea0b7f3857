"""The donor service with the programs of an unpacked server. Arguments: its configuration, and the server's root."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from guestagent.embedded.database_servers import build_root_command
from guestagent.seeding.donor import DonorEnvironment, DonorServer
from guestagent.seeding.programs import SeedPrograms

if __name__ == "__main__":
    configuration, root = map(Path, sys.argv[1:])
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    environment = DonorEnvironment(
        configuration.parent / "temporary",
        lambda line: print(line, flush=True),
        SeedPrograms(build_root_command(root, ())),
    )
    DonorServer(configuration, environment, lambda: bool(received)).serve()
