"""The hypervisor whose guests are virtual machines of an image's disk, emulated by qemu without the processor's help.

They show what containers cannot: the boot loader, the kernel and the initial RAM disk of the image.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from pathlib import Path

from guestagent.embedded import Guest
from guestagent.embedded.containers.config_drive import write_config_drive
from guestagent.embedded.guests import network
from guestagent.embedded.host import commands
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.embedded.openstack.nova.hypervisor import GuestSize
from guestagent.errors import CloudError

POWER_OFF_TIMEOUT_S = 300.0
# A kernel of its own needs more than the flavors of the embedded cloud, whose guests share this machine's.
MEMORY_MIN_MB = 1024
# The plainest processor: with the features of `max` a boot takes half as long again in the emulation.
CPU_MODEL = "qemu64"


class VirtualMachineHypervisor:
    """Machines on one bridge, each with an overlay of the disk and a config drive."""

    def __init__(self, state: Path, bridge: str, gateway: str, prefix: int, disk: Path) -> None:
        self._state, self._disk = state.resolve(), disk
        self._bridge, self._gateway, self._prefix = bridge, gateway, prefix
        self._machines: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()

    def open(self) -> None:
        network.create_bridge(self._bridge, self._owner_tag, self._gateway, self._prefix)

    def close(self) -> None:
        self.sweep()

    def sweep(self) -> None:
        for guest_id in list(self._machines):
            self.destroy(guest_id)
        network.remove_bridge(self._bridge, self._owner_tag)

    def boot(self, guest: Guest) -> None:
        self._create(guest, self._disk)

    def boot_copy(self, guest: Guest, origin_id: str) -> None:
        raise CloudError(f"{guest.name}: the disk of the virtual machine {origin_id} cannot be copied")

    def reboot(self, guest_id: str) -> None:
        with self._lock:
            machine = self._machines[guest_id]
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.connect(str(self.find_folder(guest_id) / "monitor"))
                monitor.sendall(b"system_powerdown\n")
                machine.wait(POWER_OFF_TIMEOUT_S)
            self._start(guest_id)

    def resize(self, guest_id: str, size: GuestSize) -> None:
        (self.find_folder(guest_id) / "memory").write_text(str(size.memory_mb))
        self.reboot(guest_id)

    def cut_power(self, guest_id: str) -> None:
        with self._lock:
            machine = self._machines[guest_id]
            machine.kill()
            machine.wait()

    def create_volume(self, volume_id: str, size_gib: int) -> None:
        raise CloudError("the virtual machines of this test have no volumes")

    extend_volume = create_volume

    def delete_volume(self, volume_id: str) -> None:
        """There is none."""

    def attach_volume(self, guest_id: str, volume_id: str) -> None:
        raise CloudError("the virtual machines of this test have no volumes")

    detach_volume = show_growth = attach_volume

    def destroy(self, guest_id: str) -> None:
        with self._lock:
            if guest_id in self._machines:
                self.cut_power(guest_id)
                del self._machines[guest_id]
                commands.run_command(("ip", "link", "delete", self._get_tap(guest_id)))
                shutil.rmtree(self.find_folder(guest_id))

    def find_folder(self, guest_id: str) -> Path:
        """Return the folder of a machine. Its path is short: that of a socket has 107 characters at most."""
        return self._state / guest_id[:8]

    def read_console(self, guest_id: str) -> str:
        return (self.find_folder(guest_id) / "console.log").read_text(errors="replace")

    def list_guests(self) -> tuple[str, ...]:
        return tuple(self._machines)

    @property
    def _owner_tag(self) -> str:
        return f"guestagent {self._state}"

    def _get_tap(self, guest_id: str) -> str:
        return network.build_link_names(self._bridge, guest_id).host_link

    def _create(self, guest: Guest, disk: Path) -> None:
        folder = self.find_folder(guest.id)
        folder.mkdir(mode=0o700, parents=True)
        write_config_drive(folder / "drive", guest)
        drive_argv = ("genisoimage", "-quiet", "-volid", "config-2", "-joliet", "-rock")
        commands.run_checked(
            "writing the config drive", (*drive_argv, "-o", f"{folder}/drive.iso", f"{folder}/drive")
        )
        overlay_argv = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(disk))
        commands.run_checked("making a disk", (*overlay_argv, f"{folder}/disk.qcow2"))
        (folder / "memory").write_text(str(guest.memory_mb))
        (folder / "mac").write_text(build_mac_address(guest.address))
        tap = self._get_tap(guest.id)
        for argv in (
            ("tuntap", "add", tap, "mode", "tap"),
            ("link", "set", tap, "master", self._bridge, "up"),
        ):
            commands.run_checked("connecting a machine", ("ip", *argv))
        with self._lock:
            self._start(guest.id)

    def _start(self, guest_id: str) -> None:
        folder = self.find_folder(guest_id)
        mac = (folder / "mac").read_text()
        memory_mb = max(MEMORY_MIN_MB, int((folder / "memory").read_text()))
        argv = (
            "setpriv", "--pdeathsig", "KILL", "--",
            "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU_MODEL,
            "-smp", "2", "-m", str(memory_mb), "-display", "none", "-vga", "none", "-no-reboot",
            "-serial", f"file:{folder}/console.log", "-monitor", f"unix:{folder}/monitor,server,nowait",
            "-drive", f"file={folder}/disk.qcow2,if=virtio,cache=unsafe",
            "-drive", f"file={folder}/drive.iso,if=virtio,format=raw,readonly=on",
            "-netdev", f"tap,id=n0,ifname={self._get_tap(guest_id)},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=n0,mac={mac}", "-device", "virtio-rng-pci",
        )  # fmt: skip
        with (folder / "qemu.log").open("ab") as log:
            self._machines[guest_id] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
