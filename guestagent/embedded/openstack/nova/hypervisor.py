"""The interface to the hypervisor that runs the guests, and a fake one for tests that boots nothing."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Guest:
    """One server to boot. `user_data` is what Heat sends to Nova, decoded."""

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
        """Create the bridge, so that services can listen on its address. A failure leaves no bridge."""

    def close(self) -> None:
        """Destroy every guest and take the bridge down."""

    def sweep(self) -> None:
        """Remove everything that an earlier run left: processes, mounts, namespaces, links, the bridge."""

    def boot(self, guest: Guest) -> None:
        """Start a new guest; return when its init has started."""

    def reboot(self, guest_id: str) -> None:
        """Shut down cleanly, then boot again on the same disk."""

    def destroy(self, guest_id: str) -> None:
        """Kill and remove a guest; nothing happens if there is none."""


class FakeHypervisor:
    """A hypervisor that boots nothing. `calls` are all calls in order; `guests` those that would run now."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.guests: dict[str, Guest] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        self._record_call("open", "")

    def close(self) -> None:
        self._record_call("close", "")
        self.guests.clear()

    def sweep(self) -> None:
        self._record_call("sweep", "")

    def boot(self, guest: Guest) -> None:
        self._record_call("boot", guest.name)
        self.guests[guest.id] = guest

    def reboot(self, guest_id: str) -> None:
        self._record_call("reboot", guest_id)

    def destroy(self, guest_id: str) -> None:
        self._record_call("destroy", guest_id)
        self.guests.pop(guest_id, None)

    def _record_call(self, call: str, argument: str) -> None:
        with self._lock:
            self.calls.append((call, argument))
