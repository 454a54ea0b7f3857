"""Guests that are nothing but their user data: a script, run as a process of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.guests.user_data import parse_user_data
from guestagent.embedded.openstack.nova.hypervisor import Guest


class ScriptHypervisor(FakeHypervisor):
    """The scripts' output is in `folder`. They end with their guest, and with the hypervisor."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {}

    def boot(self, guest: Guest) -> None:
        super().boot(guest)
        for name, content in parse_user_data(guest.user_data).scripts:
            script = self.folder / f"{guest.id}-{name}"
            script.write_bytes(content)
            script.chmod(0o700)
            with script.with_suffix(".log").open("wb") as log:
                started = subprocess.Popen(
                    [script], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
                )
            self._running.setdefault(guest.id, []).append(started)

    def destroy(self, guest_id: str) -> None:
        super().destroy(guest_id)
        for process in self._running.pop(guest_id, []):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def close(self) -> None:
        for guest_id in list(self._running):
            self.destroy(guest_id)
        super().close()
