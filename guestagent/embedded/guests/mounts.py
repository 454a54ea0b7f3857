"""A guest's root file system as a plan: the machine's own, read-only, with the guest's folders over it."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import guestagent

DEVICE_NAMES = ("full", "null", "random", "tty", "urandom", "zero")
TMP = Path("/tmp")  # noqa: S108  the guest's own
# Where a guest has a server that is not of this machine: its programs, and the guest's own folders among them.
SERVER_ROOT = Path("/run/server")
SERVER_FOLDERS = tuple(map(Path, ("/dev", "/etc", "/proc", "/run", "/sys", "/tmp", "/var")))  # noqa: S108
GUEST_FOLDERS = (*map(Path, ("/dev", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/var")), TMP)


@dataclass(frozen=True, slots=True)
class HostBind:
    """A folder or device of the machine, seen at `target`."""

    source: Path
    target: Path
    is_writable: bool = False

    def build_commands(self, root: Path) -> Iterator[str]:
        at = _quoted(root, self.target)
        yield f"mount --bind {shlex.quote(str(self.source))} {at}"
        if not self.is_writable:
            yield f"mount -o remount,bind,ro {at}"


@dataclass(frozen=True, slots=True)
class OverlayMount:
    """A folder of the machine with the guest's own changes in `upper`; `work` lies beside that."""

    lower: Path
    upper: Path
    work: Path
    target: Path

    def build_commands(self, root: Path) -> Iterator[str]:
        # By name in their folder: a comma or a backslash in its path would end or change an option.
        options = f"lowerdir={self.lower},upperdir={self.upper.name},workdir={self.work.name}"
        yield (
            f"(cd {shlex.quote(str(self.upper.parent))} && "
            f"mount -t overlay overlay -o {options} {_quoted(root, self.target)})"
        )


@dataclass(frozen=True, slots=True)
class NewFilesystem:
    """A file system that begins empty, or that the kernel fills."""

    kind: str
    target: Path
    options: str

    def build_commands(self, root: Path) -> Iterator[str]:
        yield f"mount -t {self.kind} {self.kind} -o {self.options} {_quoted(root, self.target)}"


@dataclass(frozen=True, slots=True)
class ReadOnlyMount:
    """A part of the guest, if there, that it may read and not change: it speaks to the machine's kernel."""

    target: Path

    def build_commands(self, root: Path) -> Iterator[str]:
        at = _quoted(root, self.target)
        yield f"if [ -e {at} ]; then mount --bind {at} {at}; mount -o remount,bind,ro {at}; fi"


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A place to mount on, where nobody made one."""

    target: Path

    def build_commands(self, root: Path) -> Iterator[str]:
        yield f"mkdir -p {_quoted(root, self.target)}"


@dataclass(frozen=True, slots=True)
class DeviceBind:
    """One of the machine's harmless devices; its disks are not seen at all."""

    name: str

    def build_commands(self, root: Path) -> Iterator[str]:
        at = _quoted(root, Path("/dev", self.name))
        yield f": > {at}"
        yield f"mount --bind /dev/{self.name} {at}"


@dataclass(frozen=True, slots=True)
class GuestBind:
    """A folder that the guest has already, seen at another place too; `deep`: with what is mounted in it."""

    source: Path
    target: Path
    is_recursive: bool = True

    def build_commands(self, root: Path) -> Iterator[str]:
        option = "--rbind" if self.is_recursive else "--bind"
        yield f"mount {option} {_quoted(root, self.source)} {_quoted(root, self.target)}"


Mount = HostBind | OverlayMount | NewFilesystem | ReadOnlyMount | MountPoint | DeviceBind | GuestBind


@dataclass(frozen=True, slots=True)
class HostMounts:
    """What of this machine bears on a guest: its mounts, and the folders that our programs are read from."""

    mounts: tuple[Path, ...]
    program_folders: tuple[Path, ...]


def plan_mounts(host: HostMounts, guest: Path, state: Path, server: Path | None = None) -> tuple[Mount, ...]:
    """The mounts in order. `guest` is the guest's folder here, `state` the cloud's, which no guest sees.

    `server` is the root of a database server that is not this machine's.

    The Python programs may live anywhere, also where a guest has a folder of its own (a checkout in /tmp, an
    interpreter in /root): those places are shown through it, read-only.
    """
    through = tuple(path for path in host.program_folders if _beneath(path, GUEST_FOLDERS))
    shown = (each for path in through for each in (MountPoint(path), HostBind(path, path)))
    hidden = not _beneath(state, GUEST_FOLDERS) or _beneath(state, through)
    return (
        HostBind(Path("/"), Path("/")),
        *(HostBind(mount, mount) for mount in host.mounts if _wanted(mount, host.program_folders)),
        *_own(guest),
        *shown,
        *((NewFilesystem("tmpfs", state, "ro,size=4k,mode=700"),) if hidden else ()),
        *(_server(server) if server else ()),
    )


def build_mount_commands(mounts: Sequence[Mount], root: Path) -> str:
    """Shell commands that mount all of it under `root`; the first that fails ends them under `set -e`."""
    return "".join(f"{line}\n" for mount in mounts for line in mount.build_commands(root))


def read_host_mounts() -> HostMounts:
    """This machine as it is now."""
    needed = {Path("/usr"), Path("/opt"), *_python_folders()}
    outermost = (path for path in sorted(needed) if not _beneath(path, tuple(needed - {path})))
    return HostMounts(
        mounts=_mounted(Path("/proc/self/mountinfo").read_text()), program_folders=tuple(outermost)
    )


def list_mounts_under(folder: Path) -> tuple[Path, ...]:
    """What this machine has mounted at or under `folder`: nothing, as long as guests keep to themselves."""
    mounted = _mounted(Path("/proc/self/mountinfo").read_text())
    return tuple(mount for mount in mounted if _beneath(mount, (folder,)))


def _own(guest: Path) -> tuple[Mount, ...]:
    return (
        OverlayMount(Path("/etc"), guest / "etc", guest / "etc.work", Path("/etc")),
        HostBind(guest / "var", Path("/var"), is_writable=True),
        HostBind(guest / "root-home", Path("/root"), is_writable=True),
        NewFilesystem("tmpfs", Path("/home"), "nosuid,nodev,mode=755,size=16m"),
        NewFilesystem("tmpfs", Path("/run"), "nosuid,nodev,mode=755,size=64m"),
        NewFilesystem("tmpfs", TMP, "nosuid,nodev,mode=1777,size=1g"),
        NewFilesystem("proc", Path("/proc"), "nosuid,nodev,noexec"),
        ReadOnlyMount(Path("/proc/sys")),
        ReadOnlyMount(Path("/proc/sysrq-trigger")),
        NewFilesystem("sysfs", Path("/sys"), "ro,nosuid,nodev,noexec"),
        NewFilesystem("tmpfs", Path("/dev"), "nosuid,mode=755,size=64m"),
        *(DeviceBind(name) for name in DEVICE_NAMES),
        MountPoint(Path("/dev/pts")),
        NewFilesystem("devpts", Path("/dev/pts"), "newinstance,nosuid,noexec,ptmxmode=0666,mode=620"),
    )


def _server(programs: Path) -> Iterator[Mount]:
    yield MountPoint(SERVER_ROOT)
    yield HostBind(programs, SERVER_ROOT)
    for folder in SERVER_FOLDERS:
        yield GuestBind(
            folder, SERVER_ROOT / folder.relative_to("/"), is_recursive=not _beneath(SERVER_ROOT, (folder,))
        )


def _wanted(mount: Path, needed: tuple[Path, ...]) -> bool:
    """A mount of the machine's that lies in, or over, what our programs are read from (/usr, say)."""
    if mount == Path("/") or _beneath(mount, GUEST_FOLDERS):
        return False
    return _beneath(mount, needed) or any(_beneath(path, (mount,)) for path in needed)


def _python_folders() -> Iterator[Path]:
    """Where this interpreter, its libraries and this package are, as spelled and as they really are."""
    package = Path(guestagent.__file__).parent.parent
    for path in (package, *map(Path, (sys.prefix, sys.base_prefix, *sys.path))):
        for spelling in (path, path.resolve()):
            if spelling.is_absolute() and spelling.is_dir() and not _beneath_any_of(GUEST_FOLDERS, spelling):
                yield spelling


def _beneath_any_of(folders: tuple[Path, ...], path: Path) -> bool:
    """Whether `path` is one of the folders or holds one: it would hide what a guest has of its own."""
    return any(_beneath(folder, (path,)) for folder in folders)


def _beneath(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def _mounted(mountinfo: str) -> tuple[Path, ...]:
    """The mount points in mounting order; spaces in them are octal escapes."""
    points = (line.split()[4] for line in mountinfo.splitlines())
    return tuple(Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point)) for point in points)


def _quoted(root: Path, target: Path) -> str:
    return shlex.quote(str(root / target.relative_to("/")))
