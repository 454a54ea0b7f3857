"""The only file of this room that starts processes."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from guestagent.errors import CloudError, DeadlineExceeded, UnsupportedEnvironment

Finished = subprocess.CompletedProcess[str]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def finish(
    argv: Sequence[str],
    *,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Finished:
    """Run to the end, with nothing of our own environment but what is given here."""
    try:
        return subprocess.run(
            argv,
            input=given,
            env={"PATH": PATH, **(environment or {})},
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


def check(doing: str, argv: Sequence[str], *, given: str = "", timeout: float = 60) -> str:
    """What it printed; CloudError with its last words where it failed."""
    done = finish(argv, given=given, timeout=timeout)
    if done.returncode:
        raise CloudError(f"{doing}: {last_line(done.stderr) or f'{argv[0]} ended with {done.returncode}'}")
    return done.stdout


class Machine:
    """The outermost process of a guest, started here; ended and reaped through `wait`."""

    def __init__(self, argv: Sequence[str], console: Path) -> None:
        console.touch(mode=0o600)
        with console.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={"PATH": PATH},
                start_new_session=True,
            )

    def said_up(self, timeout: float) -> bool:
        """Whether it printed a line within `timeout` seconds; False as soon as it ended without."""
        pipe = self._process.stdout
        if pipe is None:
            return False
        with pipe:
            ready, _, _ = select.select([pipe], [], [], timeout)
            return bool(ready and pipe.readline())

    def wait(self, timeout: float) -> None:
        """Reap it; it must have been killed before."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(f"process {self._process.pid} did not end within {timeout:g} s") from error


def last_line(text: str) -> str:
    """The last words of a program; indented lines only go on with what was said before them."""
    return next((line.strip() for line in reversed(text.splitlines()) if line[:1].strip()), "")
