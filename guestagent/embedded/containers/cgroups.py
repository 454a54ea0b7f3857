"""A guest's own control groups: its systemd takes the group in which it starts for the root of all."""

from __future__ import annotations

from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import UnsupportedEnvironment
from guestagent.retry import Clock

SHARED_CONTROLLERS = frozenset({"cpuset"})  # a new group of it has no processors, and rejects every process
REMOVAL_TIMEOUT_S = 10.0
POLL_INTERVAL_S = 0.02


def plan_cgroups(own_cgroups: str, mountinfo: str, name: str) -> tuple[Path, ...]:
    """Return a folder `name` in each hierarchy, below the group of this process. Pure.

    The arguments are /proc/self/cgroup and /proc/self/mountinfo.
    """
    mounts = list(_parse_cgroup_mounts(mountinfo))
    folders = []
    for line in own_cgroups.splitlines():
        _, controllers, group = line.split(":", 2)
        wanted = frozenset(controllers.split(",")) - {""}
        if wanted & SHARED_CONTROLLERS:
            continue
        for root, mount_point, options in mounts:
            is_match = wanted <= options if wanted else options == {"cgroup2"}
            if is_match and (group == root or group.startswith(f"{root.rstrip('/')}/")):
                folders.append(mount_point / group.removeprefix(root).lstrip("/") / name)
                break
    return tuple(folders)


def create_cgroups(name: str, record: Path) -> tuple[Path, ...]:
    """Create the groups. `record` names them before they exist, so that a later process can remove them."""
    folders = plan_cgroups(
        Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text(), name
    )
    atomic_file.write_file(record, "".join(f"{folder}\n" for folder in folders).encode())
    for folder in folders:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise UnsupportedEnvironment(
                f"this machine does not allow control groups for guests: {folder}: {error.strerror}"
            ) from error
    return folders


def remove_cgroups(record: Path, clock: Clock) -> None:
    """Remove the groups that `record` names, with those that the guest made in them; its processes have ended."""
    deadline = clock.now() + REMOVAL_TIMEOUT_S
    for line in (atomic_file.read_file(record) or b"").decode().splitlines():
        while not _remove_group(Path(line)) and clock.now() < deadline:
            clock.sleep(POLL_INTERVAL_S)  # a process that was killed is in its group for a moment


def _remove_group(folder: Path) -> bool:
    if not folder.is_dir():
        return True
    try:
        for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            path.rmdir()
        folder.rmdir()
    except FileNotFoundError:
        return False
    except OSError:
        return False
    return True


def _parse_cgroup_mounts(mountinfo: str) -> list[tuple[str, Path, set[str]]]:
    """Return root, mount point and controllers of each hierarchy; that of version 2 has the one word `cgroup2`."""
    mounts = []
    for line in mountinfo.splitlines():
        fields, _, description = line.partition(" - ")
        kind, _, options = description.split(" ", 2)
        if kind == "cgroup2":
            mounts.append((fields.split()[3], Path(fields.split()[4]), {"cgroup2"}))
        elif kind == "cgroup":
            mounts.append((fields.split()[3], Path(fields.split()[4]), set(options.split(","))))
    return mounts
