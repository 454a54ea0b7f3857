"""The folders of a cloud's guests on this machine: one a guest, named by its id, in the cloud's state folder."""

from __future__ import annotations

import re
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent.embedded.guests.guest_file import read_guest_file
from guestagent.embedded.guests.mounts import list_mounts_under
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError, StorageError

GUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class GuestFolders:
    """The folders below `state`, and a lock for each guest."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "guests"
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._locks_guard = threading.Lock()

    def list_guests(self) -> tuple[str, ...]:
        """List the ids of all guests that have a disk, running or not."""
        return tuple(sorted(path.name for path in self._folder.iterdir())) if self._folder.is_dir() else ()

    def find(self, guest_id: str) -> Path:
        """Return a guest's folder; CloudError if the id could be a path."""
        if not GUEST_ID_PATTERN.fullmatch(guest_id):
            raise CloudError(f"{guest_id!r} is not the id of a guest")
        return self._folder / guest_id

    def find_new(self, guest_id: str) -> Path:
        """Return the folder of a guest that does not exist yet; CloudError if it does."""
        folder = self.find(guest_id)
        if folder.exists():
            raise CloudError(f"guest {guest_id} exists already")
        return folder

    def read_guest(self, guest_id: str) -> Guest:
        """Read a guest's definition; CloudError if there is no such guest."""
        guest = read_guest_file(self.find(guest_id))
        if guest is None:
            raise CloudError(f"there is no guest {guest_id}")
        return guest

    def remove(self, guest_id: str) -> None:
        """Delete a guest's disk, but never through a mount: behind one could be this machine's own root."""
        folder = self.find(guest_id)
        if mount_points := list_mounts_under(folder):
            raise StorageError(f"{mount_points[0]} is still mounted: unmount it, then remove {folder}")
        if folder.exists():
            shutil.rmtree(folder)

    @contextmanager
    def hold_lock(self, guest_id: str) -> Iterator[None]:
        """Let one thread at a time change a guest."""
        with self._locks_guard:
            lock = self._locks[guest_id]
        with lock:
            yield
