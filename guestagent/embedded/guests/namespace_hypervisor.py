"""The hypervisor whose guests are namespaces.

A guest's whole state is in the state folder and in the kernel, under names that follow from its id: after this process
was killed, a later one can go on with the guest or remove it.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.guests import (
    boot_scripts,
    data_directory,
    disk,
    disk_copy,
    mounts,
    namespace_commands,
    namespace_processes,
    network,
)
from guestagent.embedded.guests.boot_process import BootProcess
from guestagent.embedded.guests.guest_file import write_guest_file
from guestagent.embedded.guests.guest_folders import GuestFolders
from guestagent.embedded.guests.guest_volumes import (
    INSTANCE_DATA,
    build_data_volume_script,
    build_instance_data,
    has_data_volume,
)
from guestagent.embedded.guests.images import DEFAULT_IMAGE, GuestImage, find_image
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.embedded.guests.services import GuestService, list_image_services
from guestagent.embedded.guests.volume_hypervisor import VolumeHypervisor
from guestagent.embedded.host import commands
from guestagent.embedded.host.commands import CompletedCommand
from guestagent.embedded.openstack.nova.hypervisor import Guest, GuestSize, resize_guest
from guestagent.errors import CloudError, GuestAgentError
from guestagent.retry import SystemClock

BOOT_TIMEOUT_S = 30
KILL_TIMEOUT_S = 30


class NamespaceHypervisor(VolumeHypervisor):
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
        self._boot_processes: dict[str, BootProcess] = {}
        self._folders = GuestFolders(self._state)
        super().__init__(self._state, self._folders, self.find_init)
        self._clock = SystemClock()

    def open(self) -> None:
        """Check the requirements, build the default image and create the bridge."""
        check_requirements(self._state, [service.argv[0] for service in self._list_services(DEFAULT_IMAGE)])
        data_directory.build_data_directory(self._images, DEFAULT_IMAGE)
        network.create_bridge(self._bridge, self._owner_tag, self._gateway, self._prefix)

    def close(self) -> None:
        """Destroy every guest and take the bridge down."""
        self.sweep()

    def sweep(self) -> None:
        """Remove every guest and volume in the state folder, whichever process made it, and this cloud's bridge."""
        for guest_id in self.list_guests():
            self.destroy(guest_id)
        self._volume_files.sweep()
        network.remove_bridge(self._bridge, self._owner_tag)

    def boot(self, guest: Guest) -> None:
        """Start a new guest. A boot that fails leaves nothing behind; the error has its last output."""
        with self._folders.hold_lock(guest.id):
            folder = self._folders.find_new(guest.id)
            try:
                image = find_image(guest.image)
                data_directory.build_data_directory(self._images, image)
                disk.build_disk(guest, folder, self._list_guest_services(guest), self._images)
                self._start_new(guest)
            except (GuestAgentError, OSError) as error:
                self._abandon(guest, error)

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        """Start a new guest from a copy of another's disk. Its own user data run too: its instance id is new."""
        with self._folders.hold_lock(guest.id):
            folder = self._folders.find_new(guest.id)
            origin = self._folders.read_guest(origin_id)
            try:
                with namespace_processes.pause_processes(self._get_namespace(origin.id)):
                    disk_copy.copy_disk(self._folders.find(origin.id), folder)
                disk_copy.write_instance(folder, guest)
                self._start_new(guest)
            except (GuestAgentError, OSError) as error:
                self._abandon(guest, error)

    def reboot(self, guest_id: str) -> None:
        """Shut down cleanly and boot again on the same disk. Also boots a guest after a power cut."""
        with self._folders.hold_lock(guest_id):
            guest = self._folders.read_guest(guest_id)
            self._shut_down_cleanly(guest)
            disk.write_agent_config(self.find_folder(guest_id), guest)
            self._start(guest)

    def destroy(self, guest_id: str) -> None:
        """Kill and remove a guest; nothing happens if there is none."""
        with self._folders.hold_lock(guest_id):
            self.cut_power(guest_id)
            self._detach_volumes(guest_id)
            network.disconnect_guest(self._bridge, guest_id)
            self._folders.remove(guest_id)

    def resize(self, guest_id: str, size: GuestSize) -> None:
        """Reboot with another size: the agent gets other settings for its server's memory."""
        with self._folders.hold_lock(guest_id):
            guest = resize_guest(self._folders.read_guest(guest_id), size)
            write_guest_file(self.find_folder(guest_id), guest)
            self.reboot(guest_id)

    def cut_power(self, guest_id: str) -> None:
        """Simulate a power cut: SIGKILL to PID 1 ends everything in the guest at once. Disk and address stay."""
        with self._folders.hold_lock(guest_id):
            self._signal_init(guest_id, signal.SIGKILL)
            self._wait_for_end(guest_id)

    def run_command(
        self, guest_id: str, argv: Sequence[str], *, stdin: str = "", timeout: float = 60
    ) -> CompletedCommand:
        """Run a command in the guest to its end, as root."""
        return commands.run_command(self.build_exec_command(guest_id, argv), stdin=stdin, timeout=timeout)

    def build_exec_command(self, guest_id: str, argv: Sequence[str]) -> tuple[str, ...]:
        """Build the command line that runs `argv` in the guest, for execution on a terminal."""
        init = namespace_processes.find_init(self._get_namespace(guest_id))
        if init is None:
            raise CloudError(f"guest {guest_id} does not run")
        return namespace_commands.build_exec_command(init, argv)

    def list_guests(self) -> tuple[str, ...]:
        """List the ids of all guests that have a disk, running or not."""
        return self._folders.list_guests()

    def is_running(self, guest_id: str) -> bool:
        """Whether the guest's PID 1 exists."""
        return self.find_init(guest_id) is not None

    def find_init(self, guest_id: str) -> int | None:
        """Return the number of the guest's PID 1 on this machine."""
        return namespace_processes.find_init(self._get_namespace(guest_id))

    def find_folder(self, guest_id: str) -> Path:
        """Return the folder of its disk on this machine: `var` in it is its /var, `console.log` its console."""
        return self._folders.find(guest_id)

    @property
    def _owner_tag(self) -> str:
        return network.build_owner_tag(self._state)

    def _get_namespace(self, guest_id: str) -> str:
        return network.build_link_names(self._bridge, guest_id).namespace

    def _start_new(self, guest: Guest) -> None:
        write_guest_file(self.find_folder(guest.id), guest)
        network.connect_guest(self._bridge, guest)
        self._start(guest)

    def _abandon(self, guest: Guest, error: Exception) -> None:
        self.destroy(guest.id)
        raise CloudError(f"guest {guest.name} did not boot: {error}") from error

    def _start(self, guest: Guest) -> None:
        folder = self.find_folder(guest.id)
        mount_plan = mounts.plan_mounts(
            mounts.read_host_mounts(),
            folder,
            self._state,
            data_directory.find_server_root(find_image(guest.image)),
        )
        script, console = folder / "mount.sh", folder / "console.log"
        script.write_text(
            boot_scripts.build_mount_script(
                mount_plan,
                folder / "root",
                boot_scripts.build_hostname(guest.name),
                self._build_disk_commands(guest),
                build_data_volume_script(guest),
            )
        )
        atomic_file.write_file(folder / INSTANCE_DATA.removeprefix("/"), build_instance_data(guest))
        namespace = namespace_processes.NAMESPACE_FOLDER / self._get_namespace(guest.id)
        boot_process = self._boot_processes[guest.id] = BootProcess(
            boot_scripts.build_boot_command(namespace, script), console
        )
        if not boot_process.wait_until_up(BOOT_TIMEOUT_S):
            reason = commands.find_last_line(console.read_text(errors="replace"))
            raise CloudError(reason or f"no output within {BOOT_TIMEOUT_S} s")

    def _list_services(self, image: GuestImage, *, has_volume: bool = False) -> tuple[GuestService, ...]:
        if self._services is not None:
            return tuple(self._services)
        return list_image_services(image, has_volume=has_volume)

    def _list_guest_services(self, guest: Guest) -> tuple[GuestService, ...]:
        return self._list_services(find_image(guest.image), has_volume=has_data_volume(guest))

    def _shut_down_cleanly(self, guest: Guest) -> None:
        """Send SIGTERM, wait for as long as the services may take one after the other, then kill what is left."""
        self._signal_init(guest.id, signal.SIGTERM)
        timeout_s = sum(service.stop_seconds for service in self._list_guest_services(guest)) + 10
        namespace_processes.wait_until_gone(self._get_namespace(guest.id), self._clock, timeout_s)
        self._wait_for_end(guest.id)

    def _signal_init(self, guest_id: str, number: signal.Signals) -> None:
        namespace = self._get_namespace(guest_id)
        init = namespace_processes.find_init(namespace)
        if init is not None:
            namespace_processes.send_signal(namespace, init, number)

    def _wait_for_end(self, guest_id: str) -> None:
        namespace_processes.kill_processes(self._get_namespace(guest_id), self._clock, KILL_TIMEOUT_S)
        boot_process = self._boot_processes.pop(guest_id, None)
        if boot_process is not None:
            boot_process.wait(KILL_TIMEOUT_S)
