"""Guests as namespaces: what boots, reboots and removes them.

All that a guest is lies in the state folder and in the kernel, under names that follow from its id: a later
process can go on with it, or sweep it away, after this one was killed.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.guests import (
    boot_scripts,
    data_directory,
    disk,
    mounts,
    namespace_processes,
    network,
)
from guestagent.embedded.guests.boot_process import BootProcess
from guestagent.embedded.guests.images import DEFAULT_IMAGE, GuestImage, find_image
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.embedded.guests.services import GuestService, list_image_services
from guestagent.embedded.host import commands
from guestagent.embedded.host.commands import CompletedCommand
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError, GuestAgentError, StorageError
from guestagent.retry import SystemClock
from guestagent.strict_json import UnreadableContent, get_number, get_text, parse_object
from guestagent.unreadable_file import parse_file

BOOT_TIMEOUT_S = 30
KILL_TIMEOUT_S = 30
GUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class NamespaceHypervisor:
    """Guests on one Linux bridge. `gateway` is the bridge's own address, where the embedded Heat listens.

    `services` is what runs in a guest (else what an image runs); `images` is where the data directory that they
    start from is kept (else in the state folder).
    """

    def __init__(
        self,
        state: Path,
        bridge: str,
        gateway: str,
        prefix: int,
        services: Sequence[GuestService] | None = None,
        images: Path | None = None,
    ) -> None:
        self._state = state.resolve()
        self._bridge, self._gateway, self._prefix = bridge, gateway, prefix
        self._services = services
        self._images = images or self._state / "image"
        self._machines: dict[str, BootProcess] = {}
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()
        self._clock = SystemClock()

    def open(self) -> None:
        """Make ready: the bridge is up, and what guests of the usual image start from is built."""
        check_requirements(self._state, [service.argv[0] for service in self._running(DEFAULT_IMAGE)])
        data_directory.build_data_directory(self._images, DEFAULT_IMAGE)
        network.create_bridge(self._bridge, self._owner, self._gateway, self._prefix)

    def close(self) -> None:
        """Destroy every guest and take the bridge down."""
        self.sweep()

    def sweep(self) -> None:
        """Remove every guest that the state folder knows, whoever started it, and the bridge if ours."""
        for guest_id in self.list_guests():
            self.destroy(guest_id)
        network.remove_bridge(self._bridge, self._owner)

    def boot(self, guest: Guest) -> None:
        """Start a new guest. A boot that fails leaves nothing behind but its last words in the error."""
        with self._lock(guest.id):
            folder = self.find_folder(guest.id)
            if folder.exists():
                raise CloudError(f"guest {guest.id} exists already")
            try:
                kind = find_image(guest.image)
                data_directory.build_data_directory(self._images, kind)
                disk.build_disk(guest, folder, self._running(kind), self._images)
                self._write_down(guest)
                network.connect_guest(self._bridge, guest)
                self._start(guest)
            except (GuestAgentError, OSError) as error:
                self.destroy(guest.id)
                raise CloudError(f"guest {guest.name} did not boot: {error}") from error

    def reboot(self, guest_id: str) -> None:
        """Shut down cleanly and boot again on the same disk; boots one that a power cut ended, too."""
        with self._lock(guest_id):
            guest = self._known(guest_id)
            self._shut_down(guest)
            self._start(guest)

    def destroy(self, guest_id: str) -> None:
        """Kill and remove; nothing happens where there is no such guest."""
        with self._lock(guest_id):
            self.kill_guest(guest_id)
            network.disconnect_guest(self._bridge, guest_id)
            _remove(self.find_folder(guest_id))

    def kill_guest(self, guest_id: str) -> None:
        """The power cut: SIGKILL to PID 1 ends everything in the guest at once. Disk and address stay."""
        with self._lock(guest_id):
            self._send_init(guest_id, signal.SIGKILL)
            self._reap(guest_id)

    def run_command(
        self, guest_id: str, argv: Sequence[str], *, stdin: str = "", timeout: float = 60
    ) -> CompletedCommand:
        """Run a command inside to its end, as root of the guest, and return what it said."""
        return commands.run_command(self.build_exec_command(guest_id, argv), stdin=stdin, timeout=timeout)

    def build_exec_command(self, guest_id: str, argv: Sequence[str]) -> tuple[str, ...]:
        """The command line that runs `argv` inside: for whoever wants to execute it on a terminal."""
        init = namespace_processes.find_init(self._namespace(guest_id))
        if init is None:
            raise CloudError(f"guest {guest_id} does not run")
        return boot_scripts.build_exec_command(init, argv)

    def list_guests(self) -> tuple[str, ...]:
        """The ids of all guests that have a disk, running or not."""
        folder = self._state / "guests"
        return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()

    def is_running(self, guest_id: str) -> bool:
        """Whether its PID 1 is there."""
        return namespace_processes.find_init(self._namespace(guest_id)) is not None

    def find_folder(self, guest_id: str) -> Path:
        """Where its disk lies on this machine: `var` in there is its /var, `console.log` its console."""
        if not GUEST_ID_PATTERN.fullmatch(guest_id):
            raise CloudError(f"{guest_id!r} is not the id of a guest")
        return self._state / "guests" / guest_id

    @property
    def _owner(self) -> str:
        return f"guestagent {self._state}"

    def _namespace(self, guest_id: str) -> str:
        return network.build_link_names(self._bridge, guest_id).namespace

    def _write_down(self, guest: Guest) -> None:
        """What a reboot needs to know; the user data is on the disk, and not asked for again."""
        definition = asdict(guest)
        del definition["user_data"]
        atomic_file.write_file(self.find_folder(guest.id) / "guest.json", json.dumps(definition).encode())

    def _known(self, guest_id: str) -> Guest:
        path = self.find_folder(guest_id) / "guest.json"
        try:
            found = parse_file(path, _parse_guest)
        except UnreadableContent as error:
            raise CloudError(
                f"{path} cannot be read ({error}): delete the guest, and boot another one"
            ) from error
        if found is None:
            raise CloudError(f"there is no guest {guest_id}")
        return found

    def _start(self, guest: Guest) -> None:
        folder = self.find_folder(guest.id)
        plan = mounts.plan_mounts(
            mounts.read_host_mounts(),
            folder,
            self._state,
            data_directory.find_server_root(find_image(guest.image)),
        )
        script, console = folder / "mount.sh", folder / "console.log"
        script.write_text(
            boot_scripts.build_mount_script(plan, folder / "root", boot_scripts.build_hostname(guest.name))
        )
        namespace = namespace_processes.NAMESPACE_FOLDER / self._namespace(guest.id)
        machine = self._machines[guest.id] = BootProcess(
            boot_scripts.build_boot_command(namespace, script), console
        )
        if not machine.wait_until_up(BOOT_TIMEOUT_S):
            said = commands.find_last_line(console.read_text(errors="replace"))
            raise CloudError(said or f"it said nothing within {BOOT_TIMEOUT_S} s")

    def _running(self, kind: GuestImage) -> tuple[GuestService, ...]:
        return list_image_services(kind) if self._services is None else tuple(self._services)

    def _shut_down(self, guest: Guest) -> None:
        """SIGTERM, and the time that the services may take one after the other; then the power is cut."""
        self._send_init(guest.id, signal.SIGTERM)
        patience = sum(service.stop_seconds for service in self._running(find_image(guest.image))) + 10
        namespace_processes.wait_until_gone(self._namespace(guest.id), self._clock, patience)
        self._reap(guest.id)

    def _send_init(self, guest_id: str, number: signal.Signals) -> None:
        namespace = self._namespace(guest_id)
        init = namespace_processes.find_init(namespace)
        if init is not None:
            namespace_processes.send_signal(namespace, init, number)

    def _reap(self, guest_id: str) -> None:
        namespace_processes.kill_processes(self._namespace(guest_id), self._clock, KILL_TIMEOUT_S)
        machine = self._machines.pop(guest_id, None)
        if machine is not None:
            machine.wait(KILL_TIMEOUT_S)

    @contextmanager
    def _lock(self, guest_id: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks[guest_id]
        with lock:
            yield


def _remove(folder: Path) -> None:
    """Delete a guest's disk, but never through a mount: behind one could be this machine's own root."""
    if mounted := mounts.list_mounts_under(folder):
        raise StorageError(f"{mounted[0]} is still mounted: unmount it, then remove {folder}")
    if folder.exists():
        shutil.rmtree(folder)


def _parse_guest(content: bytes) -> Guest:
    kept = parse_object(content)
    return Guest(
        id=get_text(kept, "id"),
        name=get_text(kept, "name"),
        address=get_text(kept, "address"),
        prefix=int(get_number(kept, "prefix")),
        gateway=get_text(kept, "gateway"),
        flavor=get_text(kept, "flavor"),
        vcpus=int(get_number(kept, "vcpus")),
        memory_mb=int(get_number(kept, "memory_mb")),
        image=get_text(kept, "image"),
        user_data=b"",
    )
