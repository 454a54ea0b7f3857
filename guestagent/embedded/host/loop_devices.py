"""The loop devices of this machine: block devices whose content is a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.host import commands
from guestagent.errors import CloudError, UnsupportedEnvironment

CONTROL_DEVICE = Path("/dev/loop-control")
BLOCK_FOLDER = Path("/sys/block")
DELETED_SUFFIX = " (deleted)"
"""The kernel's mark of a backing file that has no name any more."""


@dataclass(frozen=True, slots=True)
class LoopDevice:
    """A loop device by its name (`loop3`), with the file that is its content."""

    name: str
    file: Path

    @property
    def path(self) -> Path:
        return Path("/dev", self.name)

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor number."""
        device = self.path.stat().st_rdev
        return os.major(device), os.minor(device)


def check_loop_devices() -> None:
    """Raise UnsupportedEnvironment if this machine has no loop devices."""
    if not CONTROL_DEVICE.exists():
        raise UnsupportedEnvironment(
            f"this machine has no loop devices, so its guests have no volumes ({CONTROL_DEVICE} is missing): run "
            "`modprobe loop`, or use a machine that allows them"
        )


def list_loop_devices(sys_block: Path = BLOCK_FOLDER) -> Iterator[LoopDevice]:
    """List those in use, whichever process attached them. A file that was deleted meanwhile keeps its path."""
    for folder in sorted(sys_block.glob("loop*")):
        with suppress(OSError):  # a device that is not in use has no such file
            file = (folder / "loop/backing_file").read_text().rstrip("\n").removesuffix(DELETED_SUFFIX)
            yield LoopDevice(folder.name, Path(file))


def find_loop_device(file: Path) -> LoopDevice | None:
    """Return the device of a file, or None."""
    return next((device for device in list_loop_devices() if device.file == file), None)


def attach_file(file: Path) -> LoopDevice:
    """Return a device with all of the file's present size. A file that has one keeps it."""
    device = find_loop_device(file)
    if device is not None:
        refresh_size(device)
        return device
    check_loop_devices()
    path = commands.run_checked(f"attaching {file}", ("losetup", "--find", "--show", str(file))).strip()
    if not path.startswith("/dev/loop"):
        raise CloudError(f"attaching {file}: losetup printed {path!r}")
    return LoopDevice(path.removeprefix("/dev/"), file)


def refresh_size(device: LoopDevice) -> None:
    """Let a device have the size that its file has grown to."""
    commands.run_checked(f"growing {device.name}", ("losetup", "--set-capacity", str(device.path)))


def detach_device(device: LoopDevice) -> None:
    """Detach a device from its file. If it is still mounted somewhere, the kernel does so when it is not any more."""
    completed = commands.run_command(("losetup", "--detach", str(device.path)))
    if completed.returncode and find_loop_device(device.file) == device:
        raise CloudError(f"detaching {device.name}: {commands.find_last_line(completed.stderr)}")
