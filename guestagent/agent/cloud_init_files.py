"""The files that cloud-init and Heat's part handler leave on the disk: the instance id, and copies of user data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.instance_identity import InstanceIdentity
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent, get_object, get_text, parse_object

ID_LENGTH_LIMIT = 256
EC2_KEYS = ("ec2_metadata", "ec2-metadata")
"""Names of Nova's Ec2 metadata beside OpenStack's in cloud-init's instance data."""


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


def list_older_boot_copies(files: CloudInitFiles) -> Iterator[Path]:
    """Yield the copies of user data, by Heat's part handler and its tools, that another instance has left."""
    parts = _read_user_data_parts(files.instance_link / "user-data.txt")
    copies = [*_list_files(files.cfntools_folder)]
    copies += [path for path in _list_files(files.data_folder) if path.name.startswith("cfn-")]
    for path in copies:
        if not is_of_present_instance(files, path) and not _is_part_of(parts, path):
            yield path


def is_of_present_instance(files: CloudInitFiles, path: Path) -> bool:
    """Whether the file was written after cloud-init identified the instance in this boot.

    The time of its content counts: a drop-in of cloud-init's unit changes the modes of all of them.
    """
    try:
        return path.lstat().st_mtime_ns >= files.instance_id_file.stat().st_mtime_ns
    except OSError:
        return False


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


def _read_user_data_parts(path: Path) -> Mapping[str, bytes]:
    """Return the parts of this instance's user data that have a file name."""
    # Imported here: `poke` needs the instance id alone, and must return soon.
    from email.parser import BytesParser

    content = None
    with suppress(StorageError):
        content = atomic_file.read_file(path)
    message = BytesParser().parsebytes(content or b"")
    parts: dict[str, bytes] = {}
    for part in message.walk():
        name, payload = part.get_filename(), part.get_payload(decode=True)
        if name and isinstance(payload, bytes):
            parts[name] = payload
    return parts


def _is_part_of(parts: Mapping[str, bytes], path: Path) -> bool:
    """Whether the file is a copy of a part of the present instance's user data."""
    payload = parts.get(path.name)
    if payload is None:
        return False
    with suppress(StorageError):
        return (atomic_file.read_file(path) or b"").split() == payload.split()
    return False


def _list_files(folder: Path) -> list[Path]:
    return [path for path in _list_entries(folder) if path.is_symlink() or not path.is_dir()]


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder))
    except OSError:
        return []
