"""A service manager for one server: `python -m tests.integration.serviced FOLDER start|stop|restart`.

As systemd does for a unit that notifies, start returns when the server answers, and fails when it has ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from guestagent.database.connection import over_socket
from guestagent.errors import DatabaseUnreachable


def start(folder: Path) -> int:
    if answers(folder):
        return 0
    with (folder / "out").open("ab") as out:
        process = subprocess.Popen(
            ["mariadbd", f"--defaults-file={folder}/my.cnf"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    (folder / "service.pid").write_text(str(process.pid))
    while not answers(folder):
        if process.poll() is not None:
            sys.stderr.write("Job for mariadb.service failed\n")
            return 1
        time.sleep(0.05)
    return 0


def stop(folder: Path) -> int:
    """Ends the server and waits for its end, also as nobody's child."""
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


def answers(folder: Path) -> bool:
    try:
        over_socket(str(folder / "s"), "root", 5).close()
    except DatabaseUnreachable:
        return False
    return True


def main(folder: Path, verb: str) -> int:
    with (folder / "verbs").open("a") as verbs:
        verbs.write(f"{verb}\n")
    if verb == "restart":
        stop(folder)
    return stop(folder) if verb == "stop" else start(folder)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
