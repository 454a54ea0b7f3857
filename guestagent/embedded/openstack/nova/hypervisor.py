"""The interface to the hypervisor that runs the guests, and a fake one for tests that boots nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from guestagent.errors import CloudError


@dataclass(frozen=True, slots=True)
class Guest:
    """One server to boot. `user_data` is what Heat sends to Nova, decoded; `instance_metadata` is Nova's `meta`.

    `public_keys`: the server's key pair, by its name.
    """

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
    instance_metadata: Mapping[str, str] = field(default_factory=dict)
    public_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuestSize:
    """What a flavor gives to a guest."""

    flavor: str
    vcpus: int
    memory_mb: int


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

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        """Start a new guest from a copy of another's disk at this moment, as from a snapshot image."""

    def reboot(self, guest_id: str) -> None:
        """Shut down cleanly, then boot again on the same disk."""

    def resize(self, guest_id: str, size: GuestSize) -> None:
        """Shut down cleanly, then boot again on the same disk with another size."""

    def cut_power(self, guest_id: str) -> None:
        """End a guest at once, without a shutdown. Disk and address stay, and `reboot` boots it again."""

    def destroy(self, guest_id: str) -> None:
        """Kill and remove a guest; nothing happens if there is none."""


def resize_guest(guest: Guest, size: GuestSize) -> Guest:
    """Return the guest with another size."""
    return replace(guest, flavor=size.flavor, vcpus=size.vcpus, memory_mb=size.memory_mb)


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

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        if origin_id not in self.guests:
            raise CloudError(f"there is no guest {origin_id}")
        self._record_call("boot_copy", guest.name)
        self.guests[guest.id] = guest

    def reboot(self, guest_id: str) -> None:
        self._record_call("reboot", guest_id)

    def resize(self, guest_id: str, size: GuestSize) -> None:
        """Give the guest its new size. The call is recorded as the reboot that it is for the guest."""
        self._record_call("reboot", guest_id)
        if guest_id in self.guests:
            self.guests[guest_id] = resize_guest(self.guests[guest_id], size)

    def cut_power(self, guest_id: str) -> None:
        self._record_call("cut_power", guest_id)

    def destroy(self, guest_id: str) -> None:
        self._record_call("destroy", guest_id)
        self.guests.pop(guest_id, None)

    def _record_call(self, call: str, argument: str) -> None:
        with self._lock:
            self.calls.append((call, argument))
