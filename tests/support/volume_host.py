"""A host whose volumes are loop devices: sysfs, /dev and the data directory are folders of the test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration, format_volume_declaration
from guestagent.retry import FakeClock
from guestagent.volume import VolumeEnvironment, VolumePaths, VolumeState, set_up_volume

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
OTHER_ID = "b41d22aa-0f55-4a0f-8a6b-5f4c9e1d7c20"
INSTANCE_ID = "6f1c1f6e-3a52-4c7e-b3bb-8f6f7a4f2c11"
GIB = 1 << 30
DATA_FILES = {"ibdata1": b"pages" * 1000, "mysql/user.frm": b"users", "mysql-bin.index": b""}


def build_paths(folder: Path) -> VolumePaths:
    """Build the paths of a host in this folder."""
    return VolumePaths(
        root=folder / "root",
        data=folder / "data",
        state=folder / "state",
        run=folder / "run",
        cloud_init=folder / "cloud-init",
        sys=folder / "sys",
        dev=folder / "dev",
    )


class VolumeHost:
    """One host: its data directory on the root disk, its volumes, and the metadata of its server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = build_paths(folder)
        self._loops: dict[str, Path] = {}
        for name in ("sys/block", "dev/disk/by-id", "cloud-init"):
            (folder / name).mkdir(parents=True)
        for name, content in DATA_FILES.items():
            path = self.paths.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.paths.data.chmod(0o750)
        os.chown(self.paths.data, 101, 102)

    @property
    def environment(self) -> VolumeEnvironment:
        return VolumeEnvironment(self.paths, clock=FakeClock(), timeout_s=5.0)

    def set_up(self) -> VolumeState:
        return set_up_volume(self.environment)

    def declare(
        self,
        volume_id: str = VOLUME_ID,
        *,
        size_gib: int = 1,
        file_system: str = "xfs",
        is_new: bool = True,
        cluster: str = "shop",
        node: str = "Master0000",
    ) -> None:
        """Set `guestagent_volume` in the server's metadata, as cloud-init stores it of a config drive."""
        volume = DataVolume(volume_id, size_gib, file_system, is_new)
        value = format_volume_declaration(VolumeDeclaration(volume, cluster, node))
        self.write_instance_data({"meta": {"guestagent_volume": value}})

    def write_instance_data(
        self, metadata: dict[str, object], *, platform: str = "openstack", instance_id: str = INSTANCE_ID
    ) -> None:
        content = {
            "v1": {"instance_id": instance_id, "platform": platform},
            "ds": {"meta_data": metadata},
        }
        (self.paths.cloud_init / "instance-data.json").write_text(json.dumps(content))

    def attach(
        self, image: Path, *, name: str = "vdb", serial: str = VOLUME_ID[:20], read_only: bool = False
    ) -> Path:
        """Attach an image as a disk, and return its path in /dev."""
        loop = Path(_run("losetup", "--find", "--show", *(["--read-only"] if read_only else []), str(image)))
        self._loops[name] = loop
        block = self.paths.sys / "block" / name
        block.mkdir()
        for entry in ("size", "ro", "dev", "holders"):
            (block / entry).symlink_to(Path("/sys/block", loop.name, entry))
        (block / "serial").write_text(f"{serial}\n")
        (self.paths.dev / name).symlink_to(loop)
        return self.paths.dev / name

    def detach(self, name: str = "vdb") -> None:
        block = self.paths.sys / "block" / name
        for entry in (*block.iterdir(), self.paths.dev / name):
            entry.unlink()
        block.rmdir()
        _run("losetup", "--detach", str(self._loops.pop(name)))

    def resize(self, image: Path, gibibytes: int, name: str = "vdb") -> None:
        """Grow an attached volume, as Cinder does."""
        os.truncate(image, gibibytes * GIB)
        _run("losetup", "--set-capacity", str(self._loops[name]))

    def reboot(self) -> None:
        """Unmount everything, and empty the run folder."""
        self.unmount()
        for path in sorted(self.paths.run.glob("**/*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def unmount(self) -> None:
        for target in self.list_mounts():
            _run("umount", target)

    def list_mounts(self) -> list[str]:
        """List what is mounted below the host's folder, the newest first."""
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        targets = [line.split()[4] for line in lines]
        return [target for target in reversed(targets) if target.startswith(f"{self.folder}/")]

    def close(self) -> None:
        self.unmount()
        for name in [*self._loops]:
            self.detach(name)

    def is_on_volume(self) -> bool:
        """Return whether the data directory is that of the volume."""
        return self.paths.data.stat().st_dev == self.paths.root.stat().st_dev and os.path.ismount(
            self.paths.data
        )


@contextmanager
def open_host(folder: Path) -> Iterator[VolumeHost]:
    """Make a host. At the end its volumes are unmounted and detached."""
    host = VolumeHost(folder)
    try:
        yield host
    finally:
        host.close()


def make_image(path: Path, gibibytes: float = 1) -> Path:
    """Make a blank image, which takes no space."""
    with path.open("wb") as file:
        file.truncate(int(gibibytes * GIB))
    return path


def read_data(folder: Path) -> dict[str, bytes]:
    """Read all files of a data directory."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
