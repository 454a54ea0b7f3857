"""The only file of this room that starts processes: under an account without rights, and never outliving us.

The kernel kills a daemon with the thread that started it, so that must be one that stays: the main one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from guestagent import atomic_file
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.errors import CloudError, DeadlineExceeded, UnsupportedEnvironment
from guestagent.strict_json import UnreadableContent, get_number, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

BARE_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
STOP_TIMEOUT_S = 20.0


def run_as_account(
    doing: str,
    argv: Sequence[str],
    *,
    timeout: float = 120,
    account: UnixAccount | None = None,
    environment: Mapping[str, str] | None = BARE_ENVIRONMENT,
    given: str = "",
    log: Path | None = None,
) -> None:
    """Run to the end; CloudError with its last words where it failed. Secrets are `given`, never in its words.

    `environment` is all of it; our own goes nowhere but to pip, which needs its settings (None). The umask is the usual
    one: the account must be able to read what is installed here.
    """
    try:
        done = subprocess.run(
            _as(account, argv), env=environment, cwd="/", input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=timeout, check=False, umask=0o022,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UnsupportedEnvironment(f"{argv[0]} is missing on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceeded(f"{doing}: it did not end within {timeout:g} s") from error
    if log is not None:
        atomic_file.write_file(log, done.stdout.encode())
    if done.returncode:
        said = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "no word")
        raise CloudError(f"{doing}: {said.strip()}")


class HeatDaemon:
    """One process that runs until it is ended, and is started again should it end by itself."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        account: UnixAccount,
        log: Path,
        environment: Mapping[str, str] = BARE_ENVIRONMENT,
    ) -> None:
        self.name, self.log = name, log
        self._argv, self._environment = _as(account, argv), environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """From the main thread."""
        with self.log.open("ab") as said:
            self._process = subprocess.Popen(
                self._argv, env=self._environment, cwd="/",
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        assert self._process is not None, "started before"
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Ask it to end, and reap it; one that does not is killed."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)

    def read_last_line(self) -> str:
        lines = (atomic_file.read_file(self.log) or b"").decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "no word")


def write_process_file(path: Path, daemons: Sequence[HeatDaemon]) -> None:
    """Keep which processes they are, for whoever has to sweep after a kill."""
    pids = (daemon.pid for daemon in daemons)
    atomic_file.write_file(
        path, json.dumps({pid: psutil.Process(pid).create_time() for pid in pids}).encode()
    )


def kill_leftovers(path: Path) -> None:
    """End what an earlier run wrote down and left; returns when nothing of it runs.

    A file that cannot be read is kept aside: its processes have ended with the cloud that started them.
    """
    try:
        written = parse_file(path, _parse)
    except UnreadableContent as error:
        quarantine_file(path, str(error))
        return
    if written is None:
        return
    left = [pid for pid, born in written.items() if _is(pid, born)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + STOP_TIMEOUT_S
    while any(_is(pid, born) for pid, born in written.items()):
        if time.monotonic() > until:
            raise DeadlineExceeded(
                f"processes of an earlier run survive SIGKILL: {', '.join(map(str, left))}"
            )
        time.sleep(0.02)
    atomic_file.remove_file(path)


def _parse(content: bytes) -> dict[int, float]:
    written = parse_object(content)
    if not all(pid.isdecimal() and 0 < len(pid) < 10 for pid in written):
        raise UnreadableContent("not processes")
    return {int(pid): get_number(written, pid) for pid in written}


def _is(pid: int, born: float) -> bool:
    """Whether it is still that process, and not a later one of the same number."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - born) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _as(account: UnixAccount | None, argv: Sequence[str]) -> tuple[str, ...]:
    if account is None:
        return tuple(argv)
    who = (f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups")
    return ("setpriv", *who, "--no-new-privs", "--pdeathsig=KILL", "--", *argv)
