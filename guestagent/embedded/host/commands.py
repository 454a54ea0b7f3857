"""Programs of this machine, run to their end. Whoever keeps one running starts it in a room of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from guestagent.errors import CloudError, DeadlineExceeded, UnsupportedEnvironment

CompletedCommand = subprocess.CompletedProcess[str]
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_command(
    argv: Sequence[str],
    *,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    timeout: float = 60,
    folder: Path = Path("/"),
) -> CompletedCommand:
    """Run to the end, with nothing of our own environment but what is given here."""
    try:
        return subprocess.run(
            argv,
            input=given,
            env={"PATH": DEFAULT_PATH, **(environment or {})},
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise UnsupportedEnvironment(f"{argv[0]} is missing on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceeded(f"{argv[0]} did not end within {timeout:g} s") from error


def run_checked(doing: str, argv: Sequence[str], *, given: str = "", timeout: float = 60) -> str:
    """What it printed; CloudError with its last words where it failed."""
    done = run_command(argv, given=given, timeout=timeout)
    if done.returncode:
        raise CloudError(
            f"{doing}: {find_last_line(done.stderr) or f'{argv[0]} ended with {done.returncode}'}"
        )
    return done.stdout


def find_last_line(text: str) -> str:
    """The last words of a program; indented lines only go on with what was said before them."""
    return next((line.strip() for line in reversed(text.splitlines()) if line[:1].strip()), "")
