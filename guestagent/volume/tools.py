"""The programs that work on file systems. The room's only subprocess."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from guestagent.errors import VolumeError

PROGRAM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAM_TIMEOUT_S = 900.0
COPY_TIMEOUT_S = 7200.0
"""The data directory of an image has 100 to 200 MB, but a large one may be on the root disk."""
OUTPUT_CHARACTERS_LIMIT = 500
FSCK_CORRECTED = 1
"""e2fsck: all errors are corrected."""
MOUNT_OPTIONS = "noatime,nodev,nosuid,noexec"
READ_ONLY_OPTIONS = {"xfs": "ro,norecovery", "ext4": "ro,noload"}
"""Without a recovery of the log: even that would change the volume."""


@dataclass(frozen=True, slots=True)
class VolumeTools:
    """Each method runs one program, and raises VolumeError with the end of its output if it fails."""

    def list_signatures(self, device: Path) -> tuple[str, ...]:
        """List the types of file systems, partition tables and other formats that are recognized on a device."""
        output = _run("wipefs", "--no-act", "--json", str(device))
        try:
            found = json.loads(output or '{"signatures": []}')["signatures"]
            return tuple(dict.fromkeys(str(each["type"]) for each in found))
        except (ValueError, KeyError, TypeError) as error:
            raise VolumeError(f"the output of wipefs for {device} is not understood") from error

    def make_file_system(self, device: Path, kind: str, label: str, *, replace: bool) -> None:
        """Make a file system. Without `replace`, the program itself rejects a device with a known format."""
        if kind == "xfs":
            _run("mkfs.xfs", *(["-f"] if replace else []), "-q", "-L", label, str(device))
        else:
            _run("mkfs.ext4", *(["-F"] if replace else []), "-q", "-m", "0", "-L", label, str(device))

    def check_ext4(self, device: Path, *, is_full: bool) -> None:
        """Replay the log of an ext4, and check all of it if `is_full`. Errors that need a person are a VolumeError."""
        _run("e2fsck", "-p", *(["-f"] if is_full else []), str(device), success=FSCK_CORRECTED)

    def grow_ext4(self, device: Path) -> None:
        _run("resize2fs", str(device))

    def grow_xfs(self, folder: Path) -> None:
        _run("xfs_growfs", "-d", str(folder))

    def mount(self, device: Path, folder: Path, kind: str) -> None:
        _run("mount", "-t", kind, "-o", MOUNT_OPTIONS, str(device), str(folder))

    def mount_read_only(self, device: Path, folder: Path, kind: str) -> None:
        """Mount a file system without changing a byte of it."""
        options = f"{READ_ONLY_OPTIONS[kind]},{MOUNT_OPTIONS}"
        _run("mount", "-t", kind, "-o", options, str(device), str(folder))

    def protect_device(self, device: Path) -> None:
        """Let the kernel reject every write to a device: an ext4 with errors notes them even in a read-only mount."""
        _run("blockdev", "--setro", str(device))

    def unprotect_device(self, device: Path) -> None:
        """Undo `protect_device`. A device that was attached read-only stays so."""
        _run("blockdev", "--setrw", str(device))

    def bind(self, folder: Path, target: Path) -> None:
        """Show a folder at another place, too."""
        _run("mount", "--bind", str(folder), str(target))

    def unmount(self, target: Path) -> None:
        _run("umount", str(target))

    def copy_folder(self, source: Path, target: Path) -> None:
        """Copy a folder with owners, modes, times and extended attributes."""
        _run(
            "cp",
            "--archive",
            "--no-target-directory",
            "--one-file-system",
            str(source),
            str(target),
            timeout_s=COPY_TIMEOUT_S,
        )

    def sync(self, folder: Path) -> None:
        """Write all of a folder's file system to the disk."""
        _run("sync", "--file-system", str(folder))


def _run(*argv: str, success: int = 0, timeout_s: float = PROGRAM_TIMEOUT_S) -> str:
    """Run a program, and return its standard output. `success`: the highest exit code that is one."""
    try:
        result = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env={"PATH": PROGRAM_PATH, "LC_ALL": "C"},
            check=False,
        )
    except FileNotFoundError as error:
        raise VolumeError(
            f"{argv[0]} is not installed", "build the image with the element guestagent-volume"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise VolumeError(f"{argv[0]} has not ended after {timeout_s:.0f} s") from error
    except OSError as error:
        raise VolumeError(f"{argv[0]} cannot be started: {error.strerror}") from error
    if not 0 <= result.returncode <= success:
        output = " ".join((result.stderr or result.stdout).split())[-OUTPUT_CHARACTERS_LIMIT:]
        raise VolumeError(f"{argv[0]} failed with exit code {result.returncode}: {output or 'no output'}")
    return result.stdout
