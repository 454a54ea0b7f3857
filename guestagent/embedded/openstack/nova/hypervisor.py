"""The interface to the hypervisor that runs the guests, and a fake one for tests that boots nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from guestagent.embedded.openstack.cinder.volume_backend import VolumeBackend
from guestagent.errors import CloudError


@dataclass(frozen=True, slots=True)
class Guest:
    """One server to boot. `user_data` is what Heat sends to Nova, decoded; `instance_metadata` is Nova's `meta`.

    `public_keys`: the server's key pair, by its name. `volumes`: the ids of those that it has.
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
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GuestSize:
    """What a flavor gives to a guest."""

    flavor: str
    vcpus: int
    memory_mb: int


class Hypervisor(VolumeBackend, Protocol):
    """What runs guests, and has their volumes.

    Blocking, and safe to call from many threads at once. Failures are GuestAgentError.
    """

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
        """Kill and remove a guest, but not its volumes; nothing happens if there is none."""

    def attach_volume(self, guest_id: str, volume_id: str) -> None:
        """Show a volume to a running guest."""

    def detach_volume(self, guest_id: str, volume_id: str) -> None:
        """Take a volume away from a guest."""

    def show_growth(self, guest_id: str, volume_id: str) -> None:
        """Let a running guest see the size of a volume that was extended."""


def resize_guest(guest: Guest, size: GuestSize) -> Guest:
    """Return the guest with another size."""
    return replace(guest, flavor=size.flavor, vcpus=size.vcpus, memory_mb=size.memory_mb)


class FakeHypervisor:
    """A hypervisor that boots nothing. `calls` are all calls in order; `guests` those that would run now.

    `volume_sizes` are the sizes of the volumes in GiB, and `shown_sizes` those that guests see.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.guests: dict[str, Guest] = {}
        self.volume_sizes: dict[str, int] = {}
        self.shown_sizes: dict[tuple[str, str], int] = {}
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
        self._show_volumes(guest)

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        if origin_id not in self.guests:
            raise CloudError(f"there is no guest {origin_id}")
        self._record_call("boot_copy", guest.name)
        self.guests[guest.id] = guest

    def reboot(self, guest_id: str) -> None:
        self._record_call("reboot", guest_id)
        if guest_id in self.guests:
            self._show_volumes(self.guests[guest_id])

    def resize(self, guest_id: str, size: GuestSize) -> None:
        """Give the guest its new size. The call is recorded as the reboot that it is for the guest."""
        self._record_call("reboot", guest_id)
        if guest_id in self.guests:
            self.guests[guest_id] = resize_guest(self.guests[guest_id], size)
            self._show_volumes(self.guests[guest_id])

    def cut_power(self, guest_id: str) -> None:
        self._record_call("cut_power", guest_id)

    def destroy(self, guest_id: str) -> None:
        self._record_call("destroy", guest_id)
        self.guests.pop(guest_id, None)

    def create_volume(self, volume_id: str, size_gib: int) -> None:
        self.volume_sizes[volume_id] = size_gib

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        self.volume_sizes[volume_id] = size_gib

    def delete_volume(self, volume_id: str) -> None:
        self.volume_sizes.pop(volume_id, None)

    def attach_volume(self, guest_id: str, volume_id: str) -> None:
        guest = self.guests.get(guest_id)
        if guest is None:
            raise CloudError(f"there is no guest {guest_id}")
        self.guests[guest_id] = replace(guest, volumes=(*guest.volumes, volume_id))
        self.show_growth(guest_id, volume_id)

    def detach_volume(self, guest_id: str, volume_id: str) -> None:
        if guest := self.guests.get(guest_id):
            volumes = tuple(each for each in guest.volumes if each != volume_id)
            self.guests[guest_id] = replace(guest, volumes=volumes)
        self.shown_sizes.pop((guest_id, volume_id), None)

    def show_growth(self, guest_id: str, volume_id: str) -> None:
        self.shown_sizes[guest_id, volume_id] = self.volume_sizes[volume_id]

    def _show_volumes(self, guest: Guest) -> None:
        for volume_id in guest.volumes:
            self.show_growth(guest.id, volume_id)

    def _record_call(self, call: str, argument: str) -> None:
        with self._lock:
            self.calls.append((call, argument))
