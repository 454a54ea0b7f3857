"""Programs of this machine, run to their end. Long-running ones are started in the rooms that need them."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from guestagent.errors import CloudError, DeadlineExceeded, UnsupportedEnvironment

CompletedCommand = subprocess.CompletedProcess[str]
COMMAND_TIMEOUT_S = 60.0
CONTINUE_INTERVAL_S = 1.0
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_command(
    argv: Sequence[str],
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    timeout: float = COMMAND_TIMEOUT_S,
    folder: Path = Path("/"),
    umask: int = -1,
) -> CompletedCommand:
    """Run a program to its end. It gets nothing of our own environment but what `environment` holds."""
    try:
        with subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": DEFAULT_PATH, **(environment or {})},
            cwd=folder,
            text=True,
            errors="replace",
            umask=umask,
        ) as process:
            try:
                with _continue_if_stopped(process):
                    output, errors = process.communicate(stdin, timeout)
            finally:
                process.kill()  # nothing happens to one that has ended
    except FileNotFoundError as error:
        raise UnsupportedEnvironment(f"{argv[0]} is missing on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceeded(f"{argv[0]} did not end within {timeout:g} s") from error
    return CompletedCommand(argv, process.returncode, output, errors)


@contextmanager
def _continue_if_stopped(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let a program go on when it stops.

    A guest that shuts down stops all its processes before it kills them. nsenter, whose child is one of them, then
    stops itself and counts on a shell to continue it. Until then the guest cannot end: its dead child is not reaped.
    """
    has_ended = threading.Event()

    def send_signals() -> None:
        while not has_ended.wait(CONTINUE_INTERVAL_S):
            process.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=send_signals, name="continue", daemon=True)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def run_checked(
    description: str, argv: Sequence[str], *, stdin: str = "", timeout: float = COMMAND_TIMEOUT_S
) -> str:
    """Run a program and return its output; CloudError with the last line of its errors if it fails."""
    completed = run_command(argv, stdin=stdin, timeout=timeout)
    if completed.returncode:
        reason = find_last_line(completed.stderr) or f"{argv[0]} ended with {completed.returncode}"
        raise CloudError(f"{description}: {reason}")
    return completed.stdout


def find_last_line(text: str) -> str:
    """Return the last line of a program's output that is not indented: indented lines continue an earlier one."""
    return next((line.strip() for line in reversed(text.splitlines()) if line[:1].strip()), "")
