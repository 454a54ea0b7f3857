"""Two hypervisors below one cloud: a guest belongs to the one that was current when it was booted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.embedded.openstack.nova.hypervisor import Guest, GuestSize, Hypervisor


class SwitchedHypervisor:
    """The first one is current until a test needs the guests of the second. Both have all volumes."""

    def __init__(self, first: Hypervisor, second: Hypervisor) -> None:
        self._first, self._second = first, second
        self._current = first
        self._owners: dict[str, Hypervisor] = {}

    @contextmanager
    def use_second(self) -> Iterator[None]:
        """Boot the guests of the block on the second hypervisor."""
        self._current = self._second
        try:
            yield
        finally:
            self._current = self._first

    def open(self) -> None:
        self._first.open()
        self._second.open()

    def close(self) -> None:
        self._first.close()
        self._second.close()

    def sweep(self) -> None:
        self._first.sweep()
        self._second.sweep()

    def boot(self, guest: Guest) -> None:
        self._owners[guest.id] = self._current
        self._current.boot(guest)

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        self._owners[guest.id] = self._find(origin_id)
        self._find(origin_id).boot_copy(guest, origin_id)

    def reboot(self, guest_id: str) -> None:
        self._find(guest_id).reboot(guest_id)

    def resize(self, guest_id: str, size: GuestSize) -> None:
        self._find(guest_id).resize(guest_id, size)

    def cut_power(self, guest_id: str) -> None:
        self._find(guest_id).cut_power(guest_id)

    def destroy(self, guest_id: str) -> None:
        self._find(guest_id).destroy(guest_id)

    def create_volume(self, volume_id: str, size_gib: int) -> None:
        self._first.create_volume(volume_id, size_gib)
        self._second.create_volume(volume_id, size_gib)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        self._first.extend_volume(volume_id, size_gib)
        self._second.extend_volume(volume_id, size_gib)

    def delete_volume(self, volume_id: str) -> None:
        self._first.delete_volume(volume_id)
        self._second.delete_volume(volume_id)

    def attach_volume(self, guest_id: str, volume_id: str) -> None:
        self._find(guest_id).attach_volume(guest_id, volume_id)

    def detach_volume(self, guest_id: str, volume_id: str) -> None:
        self._find(guest_id).detach_volume(guest_id, volume_id)

    def show_growth(self, guest_id: str, volume_id: str) -> None:
        self._find(guest_id).show_growth(guest_id, volume_id)

    def _find(self, guest_id: str) -> Hypervisor:
        return self._owners.get(guest_id, self._first)
