"""The hypervisor whose guests are containers of an image's tree, with their own systemd as PID 1.

A guest's whole state is in the state folder and in the kernel, under names that follow from its id: after this process
was killed, a later one can go on with the guest or remove it.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.containers import cgroups, start_script
from guestagent.embedded.containers.datasource import Datasource, build_nspawn_options, write_datasource
from guestagent.embedded.containers.guest_removal import (
    CGROUP_RECORD,
    KILL_TIMEOUT_S,
    kill_guest,
    remove_guest,
)
from guestagent.embedded.containers.image_tree import ImageTree
from guestagent.embedded.containers.leftovers import sweep_cloud
from guestagent.embedded.containers.metadata_network import open_metadata_network
from guestagent.embedded.containers.requirements import (
    check_inotify_limit,
    check_requirements,
    read_inotify_limit,
)
from guestagent.embedded.containers.start_script import ContainerPlan
from guestagent.embedded.guests import disk_copy, namespace_processes, network
from guestagent.embedded.guests.boot_process import BootProcess
from guestagent.embedded.guests.guest_file import write_guest_file
from guestagent.embedded.guests.guest_folders import GuestFolders
from guestagent.embedded.guests.volume_hypervisor import VolumeHypervisor
from guestagent.embedded.host import commands
from guestagent.embedded.host.commands import CompletedCommand
from guestagent.embedded.openstack.nova.hypervisor import Guest, GuestSize, resize_guest
from guestagent.errors import CloudError, GuestAgentError
from guestagent.retry import SystemClock

MOUNT_TIMEOUT_S = 30
INIT_TIMEOUT_S = 60
SHUTDOWN_TIMEOUT_S = 120
POLL_INTERVAL_S = 0.02
POWER_OFF_SIGNAL = signal.SIGRTMIN + 4  # systemd's for `systemctl poweroff`
INIT_SOCKET = "run/systemd/private"  # systemd listens on it from its start on


class ContainerHypervisor(VolumeHypervisor):
    """Guests of one image on one Linux bridge. `gateway` is the bridge's own address, on which the services listen."""

    def __init__(
        self,
        state: Path,
        bridge: str,
        gateway: str,
        prefix: int,
        tree: ImageTree,
        datasource: Datasource = Datasource.CONFIG_DRIVE,
    ) -> None:
        self._state, self._tree, self._datasource = state.resolve(), tree, datasource
        self._bridge, self._gateway, self._prefix = bridge, gateway, prefix
        self._folders = GuestFolders(self._state)
        super().__init__(self._state, self._folders, self.find_init)
        self._boot_processes: dict[str, BootProcess] = {}
        self._service: BootProcess | None = None
        self._clock = SystemClock()

    def open(self) -> None:
        """Check the requirements, create the bridge, and start the metadata service if the guests need it."""
        check_requirements(self._state)
        network.create_bridge(self._bridge, self._owner_tag, self._gateway, self._prefix)
        if self._datasource.needs_metadata_service:
            try:
                self._service = open_metadata_network(self._state, self._bridge, self._gateway, self._prefix)
            except GuestAgentError:
                self.sweep()
                raise

    def close(self) -> None:
        """Destroy every guest and take the bridge down."""
        self.sweep()

    def sweep(self) -> None:
        """Remove every guest in the state folder, whichever process started it, and this cloud's bridge."""
        sweep_cloud(self._state, self._bridge, self._clock)
        for guest_id in tuple(self._boot_processes):
            self._reap(guest_id)
        if self._service is not None:
            self._service.wait(KILL_TIMEOUT_S)
            self._service = None

    def boot(self, guest: Guest) -> None:
        """Start a new guest. A boot that fails leaves nothing behind; the error has its last output."""
        with self._folders.hold_lock(guest.id):
            folder = self._folders.find_new(guest.id)
            self._tree.check_image(guest.image)
            try:
                folder.mkdir(mode=0o700, parents=True)
                (folder / "upper").mkdir(mode=0o755)
                self._start_new(guest)
            except (GuestAgentError, OSError) as error:
                self._abandon(guest, error)

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        """Start a new guest from a copy of another's disk, at whose boot cloud-init finds another instance id."""
        with self._folders.hold_lock(guest.id):
            folder = self._folders.find_new(guest.id)
            origin = self._folders.read_guest(origin_id)
            self._tree.check_image(guest.image)
            try:
                with namespace_processes.pause_processes(self._get_namespace(origin.id)):
                    disk_copy.copy_folders(self._folders.find(origin.id), folder, ("upper",))
                self._start_new(guest)
            except (GuestAgentError, OSError) as error:
                self._abandon(guest, error)

    def reboot(self, guest_id: str) -> None:
        """Shut down cleanly and boot again on the same disk. Also boots a guest after a power cut."""
        with self._folders.hold_lock(guest_id):
            guest = self._folders.read_guest(guest_id)
            self._shut_down_cleanly(guest_id)
            self._start(guest)

    def resize(self, guest_id: str, size: GuestSize) -> None:
        """Reboot with another size: the agent gets other settings for its server's memory."""
        with self._folders.hold_lock(guest_id):
            guest = resize_guest(self._folders.read_guest(guest_id), size)
            write_guest_file(self.find_folder(guest_id), guest)
            self.reboot(guest_id)

    def cut_power(self, guest_id: str) -> None:
        """End everything in the guest at once. Disk and link stay."""
        with self._folders.hold_lock(guest_id):
            kill_guest(self._bridge, guest_id, self._clock)
            self._reap(guest_id)

    def destroy(self, guest_id: str) -> None:
        """Kill and remove a guest; nothing happens if there is none."""
        with self._folders.hold_lock(guest_id):
            self.cut_power(guest_id)
            self._detach_volumes(guest_id)
            remove_guest(self._folders, self._bridge, guest_id, self._clock)

    def run_command(
        self, guest_id: str, argv: Sequence[str], *, stdin: str = "", timeout: float = 60
    ) -> CompletedCommand:
        """Run a command in the guest to its end, as root."""
        return commands.run_command(self.build_exec_command(guest_id, argv), stdin=stdin, timeout=timeout)

    def build_exec_command(self, guest_id: str, argv: Sequence[str]) -> tuple[str, ...]:
        """Build the command line that runs `argv` in the guest, for execution on a terminal."""
        init = self.find_init(guest_id)
        if init is None:
            raise CloudError(f"guest {guest_id} does not run")
        return start_script.build_exec_command(init, argv)

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
        """Return a guest's folder on this machine: `upper` in it is what it changed, `console.log` its console."""
        return self._folders.find(guest_id)

    @property
    def _owner_tag(self) -> str:
        return network.build_owner_tag(self._state)

    def _get_namespace(self, guest_id: str) -> str:
        return network.build_link_names(self._bridge, guest_id).namespace

    def _start_new(self, guest: Guest) -> None:
        check_inotify_limit(len(self.list_guests()), read_inotify_limit())
        folder = self.find_folder(guest.id)
        for name in ("work", "root", "tree"):
            (folder / name).mkdir(mode=0o755)
        write_datasource(self._datasource, folder, guest)
        write_guest_file(folder, guest)
        network.create_link(self._bridge, guest)
        self._start(guest)

    def _abandon(self, guest: Guest, error: Exception) -> None:
        self.destroy(guest.id)
        raise CloudError(f"guest {guest.name} did not boot: {error}") from error

    def _start(self, guest: Guest) -> None:
        folder, namespace = self.find_folder(guest.id), self._get_namespace(guest.id)
        plan = ContainerPlan(
            guest=guest,
            folder=folder,
            tree=self._tree.folder,
            namespace=namespace_processes.NAMESPACE_FOLDER / namespace,
            datasource_options=build_nspawn_options(self._datasource, folder),
            cgroups=cgroups.create_cgroups(namespace, folder / CGROUP_RECORD),
        )
        disk_commands = self._build_disk_commands(guest)
        script, console = folder / "start.sh", folder / "console.log"
        script.write_text(start_script.build_start_script(plan))
        (folder / start_script.AGENT_CONFIG).write_text(start_script.build_agent_config(guest.memory_mb))
        boot_process = self._boot_processes[guest.id] = BootProcess(
            start_script.build_boot_command(plan.namespace, script), console
        )
        if not boot_process.wait_until_up(MOUNT_TIMEOUT_S) or not self._wait_for_init(
            boot_process, namespace
        ):
            reason = commands.find_last_line(console.read_text(errors="replace"))
            raise CloudError(reason or "its systemd did not start")
        self._run_in_root(guest.id, f"showing the volumes of {guest.name}", disk_commands)

    def _wait_for_init(self, boot_process: BootProcess, namespace: str) -> bool:
        """Whether the guest's systemd started: from then on it ends cleanly when it gets a signal."""
        deadline = self._clock.now() + INIT_TIMEOUT_S
        while self._clock.now() < deadline and not boot_process.has_ended:
            init = namespace_processes.find_init(namespace)
            if init is not None and Path(f"/proc/{init}/root", INIT_SOCKET).exists():
                return True
            self._clock.sleep(POLL_INTERVAL_S)
        return False

    def _shut_down_cleanly(self, guest_id: str) -> None:
        """Ask systemd to power off, wait for as long as its services may take, then kill what is left."""
        namespace = self._get_namespace(guest_id)
        init = namespace_processes.find_init(namespace)
        if init is not None:
            namespace_processes.send_signal(namespace, init, POWER_OFF_SIGNAL)
            namespace_processes.wait_until_gone(namespace, self._clock, SHUTDOWN_TIMEOUT_S)
        self.cut_power(guest_id)

    def _reap(self, guest_id: str) -> None:
        boot_process = self._boot_processes.pop(guest_id, None)
        if boot_process is not None:
            boot_process.wait(KILL_TIMEOUT_S)
