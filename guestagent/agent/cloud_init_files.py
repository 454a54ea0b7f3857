"""The files that cloud-init and Heat's part handler leave on the disk: the instance id, and copies of user data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.instance_identity import PLACEHOLDER_IDS, InstanceIdentity
from guestagent.agent.instance_user_data import InstanceUserData
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent, get_object, get_text, parse_object

ID_LENGTH_LIMIT = 256
EC2_KEYS = ("ec2_metadata", "ec2-metadata")
"""Names of Nova's Ec2 metadata beside OpenStack's in cloud-init's instance data."""


USER_DATA_FILES = ("user-data.txt", "user-data.txt.i", "vendor-data.txt.i", "vendor-data2.txt.i")


@dataclass(frozen=True, slots=True)
class CloudInitFiles:
    """The files of cloud-init and Heat below `root`."""

    root: Path = Path("/")

    @property
    def data_folder(self) -> Path:
        return self.root / "var/lib/cloud/data"

    @property
    def instance_id_file(self) -> Path:
        return self.data_folder / "instance-id"

    @property
    def instance_link(self) -> Path:
        """The link to the folder of the present instance."""
        return self.root / "var/lib/cloud/instance"

    @property
    def instances_folder(self) -> Path:
        return self.root / "var/lib/cloud/instances"

    @property
    def run_folder(self) -> Path:
        return self.root / "run/cloud-init"

    @property
    def cfntools_folder(self) -> Path:
        return self.root / "var/lib/heat-cfntools"


def read_identity(files: CloudInitFiles) -> InstanceIdentity | None:
    """Read the present instance; None if cloud-init has identified none. StorageError if its files are unreadable.

    cloud-init does not sync its files: a power cut can leave an empty one, and so there are three places to look at.
    """
    reasons: list[str] = []
    for read, path in (
        (_read_id, files.instance_id_file),
        (_read_link, files.instance_link),
        (_read_id, files.run_folder / ".instance-id"),
    ):
        try:
            instance_id = read(path)
        except StorageError as error:
            reasons.append(str(error))
            continue
        if instance_id is not None:
            return InstanceIdentity.from_ids(
                instance_id, _read_ec2_id(files.run_folder / "instance-data.json")
            )
    if reasons:
        raise StorageError(f"the instance id cannot be read: {'; '.join(reasons)}")
    return None


def find_other_instance(files: CloudInitFiles, present: InstanceIdentity) -> InstanceIdentity | None:
    """Return the last other instance for which cloud-init has worked on this disk; None if there is none."""
    folders = [
        path for path in _list_entries(files.instances_folder) if path.is_dir() and not path.is_symlink()
    ]
    others = [
        folder
        for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime_ns)
        if folder.name != present.instance_id.replace("/", "_")  # as cloud-init names the folder
        and folder.name not in PLACEHOLDER_IDS
        and not InstanceIdentity.from_ids(folder.name).is_same(present)
    ]
    return InstanceIdentity.from_ids(others[-1].name) if others else None


def read_user_data(files: CloudInitFiles) -> InstanceUserData:
    """Read the present instance's user data: as they came, and as cloud-init has unpacked them."""
    texts: list[bytes] = []
    for name in USER_DATA_FILES:
        with suppress(StorageError):
            texts.append(atomic_file.read_file(files.instance_link / name) or b"")
    return InstanceUserData.from_texts(texts)


def list_older_boot_copies(files: CloudInitFiles, user_data: InstanceUserData) -> Iterator[Path]:
    """Yield what Heat's part handler and its tools have written, except the copies of these user data."""
    copies = [*_list_files(files.cfntools_folder)]
    copies += [path for path in _list_files(files.data_folder) if path.name.startswith("cfn-")]
    for path in copies:
        if not _is_copy(path, user_data):
            yield path


def list_older_instance_files(files: CloudInitFiles) -> Iterator[Path]:
    """Yield what the folders of other instances hold, except cloud-init's semaphores."""
    try:
        present = files.instance_link.readlink().name
    except OSError:
        return
    for folder in _list_entries(files.instances_folder):
        if folder.name != present and folder.is_dir() and not folder.is_symlink():
            yield from (path for path in _list_entries(folder) if path.name != "sem")


def _read_id(path: Path) -> str | None:
    content = atomic_file.read_file(path)
    return None if content is None else _check_id(content.decode(errors="replace"), path)


def _read_link(path: Path) -> str | None:
    try:
        return _check_id(path.readlink().name, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error


def _check_id(text: str, path: Path) -> str:
    instance_id = text.strip()
    is_id = 0 < len(instance_id) <= ID_LENGTH_LIMIT and instance_id.isascii() and instance_id.isprintable()
    if not is_id:
        raise StorageError(f"{path} holds no instance id")
    return instance_id


def _read_ec2_id(path: Path) -> str:
    """Return the Ec2 id of a server whose metadata came in OpenStack's dialect; "" if it is not known."""
    with suppress(StorageError, UnreadableContent):
        content = atomic_file.read_file(path)
        datasource = {} if content is None else get_object(parse_object(content), "ds")
        for key in EC2_KEYS:
            if isinstance(datasource.get(key), dict):
                return get_text(get_object(datasource, key), "instance-id", "")
    return ""


def _is_copy(path: Path, user_data: InstanceUserData) -> bool:
    with suppress(StorageError):
        return user_data.has_file(atomic_file.read_file(path) or b"")
    return False


def _list_files(folder: Path) -> list[Path]:
    return [path for path in _list_entries(folder) if path.is_symlink() or not path.is_dir()]


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder))
    except OSError:
        return []
