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
    """A folder or device of the machine, visible at `target`."""

    source: Path
    target: Path
    is_writable: bool = False

    def build_commands(self, root: Path) -> Iterator[str]:
        target_path = _quote_target(root, self.target)
        yield f"mount --bind {shlex.quote(str(self.source))} {target_path}"
        if not self.is_writable:
            yield f"mount -o remount,bind,ro {target_path}"


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
            f"mount -t overlay overlay -o {options} {_quote_target(root, self.target)})"
        )


@dataclass(frozen=True, slots=True)
class NewFilesystem:
    """A file system that is empty at first, or that the kernel fills."""

    kind: str
    target: Path
    options: str

    def build_commands(self, root: Path) -> Iterator[str]:
        yield f"mount -t {self.kind} {self.kind} -o {self.options} {_quote_target(root, self.target)}"


@dataclass(frozen=True, slots=True)
class ReadOnlyMount:
    """A part of the guest, if present, that it may read but not change: it belongs to the machine's kernel."""

    target: Path

    def build_commands(self, root: Path) -> Iterator[str]:
        path = _quote_target(root, self.target)
        yield f"if [ -e {path} ]; then mount --bind {path} {path}; mount -o remount,bind,ro {path}; fi"


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A folder to mount on that does not exist yet."""

    target: Path

    def build_commands(self, root: Path) -> Iterator[str]:
        yield f"mkdir -p {_quote_target(root, self.target)}"


@dataclass(frozen=True, slots=True)
class DeviceBind:
    """One of the machine's harmless devices; its disks are not visible at all."""

    name: str

    def build_commands(self, root: Path) -> Iterator[str]:
        target_path = _quote_target(root, Path("/dev", self.name))
        yield f": > {target_path}"
        yield f"mount --bind /dev/{self.name} {target_path}"


@dataclass(frozen=True, slots=True)
class GuestBind:
    """A folder of the guest, visible at another place too. `is_recursive`: with everything mounted in it."""

    source: Path
    target: Path
    is_recursive: bool = True

    def build_commands(self, root: Path) -> Iterator[str]:
        option = "--rbind" if self.is_recursive else "--bind"
        yield f"mount {option} {_quote_target(root, self.source)} {_quote_target(root, self.target)}"


@dataclass(frozen=True, slots=True)
class SharedMount:
    """A mount whose later mounts appear in all binds of it: a data volume, in the root of the server's programs."""

    target: Path

    def build_commands(self, root: Path) -> Iterator[str]:
        yield f"mount --make-shared {_quote_target(root, self.target)}"


Mount = (
    HostBind
    | OverlayMount
    | NewFilesystem
    | ReadOnlyMount
    | MountPoint
    | DeviceBind
    | GuestBind
    | SharedMount
)


@dataclass(frozen=True, slots=True)
class HostMounts:
    """The parts of this machine that a guest needs: its mounts, and the folders of our programs."""

    mounts: tuple[Path, ...]
    program_folders: tuple[Path, ...]


def plan_mounts(host: HostMounts, guest: Path, state: Path, server: Path | None = None) -> tuple[Mount, ...]:
    """Plan the mounts in order. `guest` is the guest's folder here, `state` the cloud's, which no guest sees.

    `server` is the root of a database server that is not this machine's.

    The Python programs may live anywhere, also where a guest has its own folder (a checkout in /tmp, an
    interpreter in /root): those places are shown through it, read-only.
    """
    visible_folders = tuple(path for path in host.program_folders if _is_beneath(path, GUEST_FOLDERS))
    visible_mounts = (each for path in visible_folders for each in (MountPoint(path), HostBind(path, path)))
    hides_state = not _is_beneath(state, GUEST_FOLDERS) or _is_beneath(state, visible_folders)
    return (
        HostBind(Path("/"), Path("/")),
        *(HostBind(mount, mount) for mount in host.mounts if _is_needed_mount(mount, host.program_folders)),
        *_plan_guest_mounts(guest),
        *visible_mounts,
        *((NewFilesystem("tmpfs", state, "ro,size=4k,mode=700"),) if hides_state else ()),
        *(_plan_server_mounts(server) if server else ()),
    )


def build_mount_commands(mounts: Sequence[Mount], root: Path) -> str:
    """Build shell commands that mount everything under `root`. With `set -e` the first failure ends them."""
    return "".join(f"{line}\n" for mount in mounts for line in mount.build_commands(root))


def read_host_mounts() -> HostMounts:
    """Read the present mounts of this machine."""
    needed_folders = {Path("/usr"), Path("/opt"), *_list_python_folders()}
    outermost = (
        path for path in sorted(needed_folders) if not _is_beneath(path, tuple(needed_folders - {path}))
    )
    return HostMounts(
        mounts=_parse_mount_points(Path("/proc/self/mountinfo").read_text()), program_folders=tuple(outermost)
    )


def list_mounts_under(folder: Path) -> tuple[Path, ...]:
    """List this machine's mounts at or under `folder`. There are none if guests' mounts stay in their namespaces."""
    mount_points = _parse_mount_points(Path("/proc/self/mountinfo").read_text())
    return tuple(mount for mount in mount_points if _is_beneath(mount, (folder,)))


def _plan_guest_mounts(guest: Path) -> tuple[Mount, ...]:
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


def _plan_server_mounts(programs: Path) -> Iterator[Mount]:
    yield MountPoint(SERVER_ROOT)
    yield HostBind(programs, SERVER_ROOT)
    yield SharedMount(Path("/var"))
    for folder in SERVER_FOLDERS:
        yield GuestBind(
            folder,
            SERVER_ROOT / folder.relative_to("/"),
            is_recursive=not _is_beneath(SERVER_ROOT, (folder,)),
        )


def _is_needed_mount(mount: Path, needed_folders: tuple[Path, ...]) -> bool:
    """Whether a mount of this machine is in, or above, a folder of our programs such as /usr."""
    if mount == Path("/") or _is_beneath(mount, GUEST_FOLDERS):
        return False
    return _is_beneath(mount, needed_folders) or any(_is_beneath(path, (mount,)) for path in needed_folders)


def _list_python_folders() -> Iterator[Path]:
    """List the folders of this interpreter, its libraries and this package, as spelled and resolved."""
    package = Path(guestagent.__file__).parent.parent
    for path in (package, *map(Path, (sys.prefix, sys.base_prefix, *sys.path))):
        for spelled_path in (path, path.resolve()):
            if (
                spelled_path.is_absolute()
                and spelled_path.is_dir()
                and not _covers_any(GUEST_FOLDERS, spelled_path)
            ):
                yield spelled_path


def _covers_any(folders: tuple[Path, ...], path: Path) -> bool:
    """Whether `path` is one of the folders or contains one: it would hide a guest's own files."""
    return any(_is_beneath(folder, (path,)) for folder in folders)


def _is_beneath(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def _parse_mount_points(mountinfo: str) -> tuple[Path, ...]:
    """Parse the mount points in mounting order. Spaces in them are octal escapes."""
    points = (line.split()[4] for line in mountinfo.splitlines())
    return tuple(Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point)) for point in points)


def _quote_target(root: Path, target: Path) -> str:
    return shlex.quote(str(root / target.relative_to("/")))
