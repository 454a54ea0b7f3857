"""What runs the guests, as the embedded cloud sees it; and one that boots nothing, for tests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Guest:
    """One server to boot. `user_data` is what Heat would hand to Nova, decoded."""

    id: str
    name: str
    address: str
    prefix: int
    gateway: str
    flavor: str
    vcpus: int
    memory_mb: int
    image: str
    user_data: bytes


class Hypervisor(Protocol):
    """Blocking, and safe to call from many threads at once. Failures are GuestAgentError."""

    def open(self) -> None:
        """Make ready for guests: the bridge is up, and its address can be listened on. A failure leaves no bridge."""

    def close(self) -> None:
        """Destroy every guest and take the bridge down."""

    def sweep(self) -> None:
        """Remove all that an earlier run left: processes, mounts, namespaces, links, the bridge."""

    def boot(self, guest: Guest) -> None:
        """Start a new guest; returns when its own init has started."""

    def reboot(self, guest_id: str) -> None:
        """Shut down cleanly, then boot again on the same disk."""

    def destroy(self, guest_id: str) -> None:
        """Kill and remove. Fine where there is no such guest."""


class FakeHypervisor:
    """Boots nothing. `said` is every call in order; `guests` are those that would run now."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.guests: dict[str, Guest] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        self._say("open", "")

    def close(self) -> None:
        self._say("close", "")
        self.guests.clear()

    def sweep(self) -> None:
        self._say("sweep", "")

    def boot(self, guest: Guest) -> None:
        self._say("boot", guest.name)
        self.guests[guest.id] = guest

    def reboot(self, guest_id: str) -> None:
        self._say("reboot", guest_id)

    def destroy(self, guest_id: str) -> None:
        self._say("destroy", guest_id)
        self.guests.pop(guest_id, None)

    def _say(self, call: str, about: str) -> None:
        with self._lock:
            self.calls.append((call, about))
