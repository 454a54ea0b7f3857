"""A service manager for one server: `python -m tests.support.fake_systemctl FOLDER start|stop|restart`.

`install_unit` writes the command of the server into the folder. As for a systemd unit of type notify, `start` returns
when the server accepts logins, and fails if it has ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from guestagent.database.login import connect_socket
from guestagent.embedded.host.cache_folder import hold_file_lock
from guestagent.errors import DatabaseUnreachable


def install_unit(folder: Path, argv: Sequence[str]) -> None:
    """Write the unit: `argv` starts the server."""
    (folder / "unit.json").write_text(json.dumps(argv))


def start(folder: Path) -> int:
    if is_running(folder):
        return 0
    argv = json.loads((folder / "unit.json").read_text())
    with (folder / "out").open("ab") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    (folder / "service.pid").write_text(str(process.pid))
    while not is_running(folder):
        if process.poll() is not None:
            sys.stderr.write("the service failed: its server has ended\n")
            return 1
        time.sleep(0.05)
    return 0


def stop(folder: Path) -> int:
    """Stop the server and wait for its end, even if it is not a child of this process."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pid = int((folder / "service.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        while (
            Path(f"/proc/{pid}/status").exists()
            and "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
        ):
            time.sleep(0.05)
    (folder / "service.pid").unlink(missing_ok=True)
    return 0


def is_running(folder: Path) -> bool:
    try:
        connect_socket(str(folder / "s"), "root", 5).close()
    except DatabaseUnreachable:
        return False
    return True


def main(folder: Path, verb: str) -> int:
    """Execute one verb at a time, because an agent may have been killed while a call of its own still runs."""
    with (folder / "verbs").open("a") as verbs:
        verbs.write(f"{verb}\n")
    with hold_file_lock(folder / "verbs.lock"):
        if verb == "restart":
            stop(folder)
        return stop(folder) if verb == "stop" else start(folder)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
