"""The first process of a guest. This is the only file of this package that imports subprocess."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.host.commands import DEFAULT_PATH
from guestagent.errors import DeadlineExceeded


class BootProcess:
    """The outermost process of a guest. `wait` reaps it."""

    def __init__(self, argv: Sequence[str], console: Path) -> None:
        console.touch(mode=0o600)
        with console.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={"PATH": DEFAULT_PATH},
                start_new_session=True,
            )

    def wait_until_up(self, timeout: float) -> bool:
        """Whether it printed a line within `timeout` seconds; False at once if it ended without one."""
        pipe = self._process.stdout
        if pipe is None:
            return False
        with pipe:
            readable, _, _ = select.select([pipe], [], [], timeout)
            return bool(readable and pipe.readline())

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self, timeout: float) -> None:
        """Reap the process, which must have been killed before."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(f"process {self._process.pid} did not end within {timeout:g} s") from error
