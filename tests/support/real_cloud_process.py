"""A real cloud in a process of its own, for tests that kill it.

python -m tests.support.real_cloud_process FOLDER    prints the address and the processes in JSON when the cloud is up
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from guestagent.embedded.real_cloud import open_real_cloud
from tests.support.real_cloud import RELEASE
from tests.support.subnets import open_subnet


def serve(folder: Path) -> None:
    """Run a cloud until this process is killed."""
    with (
        open_subnet() as subnet,
        open_real_cloud(folder, subnet, report, release=RELEASE) as cloud,
    ):
        print(json.dumps({"auth_url": cloud.auth_url, "pids": list(cloud.pids.values())}), flush=True)
        signal.pause()


def report(message: str) -> None:
    """Report progress. Standard output has nothing but the line of JSON."""
    print(message, file=sys.stderr)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
