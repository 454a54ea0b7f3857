"""Removes what belongs to the origin from the disk of a clone, and gives the clone its own machine id and server UUID.

Every step may be repeated. The caller records the new instance after the last one, so a kill in between repeats all of
them at the next start.
"""

from __future__ import annotations

import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent import cloud_init_files
from guestagent.agent.cloud_init_files import CloudInitFiles
from guestagent.agent.instance_user_data import InstanceUserData, has_credentials
from guestagent.agent.journal_file import FORMER_PREFIX, JOURNAL_FILES, JournalFile
from guestagent.agent.journal_format import dump_journal, parse_journal
from guestagent.agent.journal_state import JournalState
from guestagent.agent.metadata_files import DOCUMENT_FILE
from guestagent.agent.pause import PAUSE_FILE
from guestagent.agent.persisted_variables import PERSISTED_FILE, remove_identity_variables
from guestagent.agent.server_sizes.option_file_path import OPTION_FILES
from guestagent.agent.status import STATUS_FILE
from guestagent.database.channel_tls import FILE_PREFIX
from guestagent.errors import StorageError
from guestagent.signal.spool import SPOOL_FILE
from guestagent.unreadable_file import QUARANTINE_MARK
from guestagent.verification.result_file import RESULT_FILE
from guestagent.volume.record import RECORD_FILE as VOLUME_RECORD_FILE

NODE_FILES = (DOCUMENT_FILE, SPOOL_FILE, STATUS_FILE, PAUSE_FILE, VOLUME_RECORD_FILE, RESULT_FILE)
"""State files about the node. The journal is also about the data, and configuration.json about the option file."""

DEFAULT_COLLECTOR_CONFIG = """\
# The disk was copied from another instance, and its options were removed. Until user data, or Heat through the agent,
# brings a configuration: what Heat left on the disk at boot.
[DEFAULT]
command = guestagent poke
collectors = heat_local
"""
SERVER_ID_PATTERN = re.compile(r"^server[-_]id\s*=.*$", re.MULTILINE)
IMAGE_SERVER_ID = "server_id = 1"
REPORT_HOST_PATTERN = re.compile(r"^report[-_]host\s*=.*\n?", re.MULTILINE)
MACHINE_ID_MODE = 0o444
MYSQL_TABLESPACE = "mysql.ibd"
"""The file in a data directory of MySQL 8 or later that MariaDB does not have."""


@dataclass(frozen=True, slots=True)
class ClonePaths:
    """The files of a clone. `root` is that of the machine; the others are from the agent's settings.

    `option_file` None: the agent's option file in the image.
    """

    state_folder: Path
    collector_cache: Path
    collector_config: Path
    option_file: Path | None = None
    root: Path = Path("/")

    @property
    def machine_id_file(self) -> Path:
        return self.root / "etc/machine-id"

    @property
    def dbus_machine_id_file(self) -> Path:
        return self.root / "var/lib/dbus/machine-id"

    def list_option_files(self) -> tuple[Path, ...]:
        """List the option files that the agent may have written; some or all may be missing."""
        if self.option_file is not None:
            return (self.option_file,)
        return tuple(self.root / path.relative_to("/") for paths in OPTION_FILES.values() for path in paths)

    @property
    def data_folder(self) -> Path:
        """The server's data directory in our images."""
        return self.root / "var/lib/mysql"


def clean_clone(paths: ClonePaths) -> bool:
    """Remove what belongs to the origin, secrets first.

    Return whether the data are MySQL's: a server that runs already keeps the origin's UUID until it is restarted.
    Raises StorageError if a file cannot be removed or written; the rest is then left for the next attempt.
    """
    files = CloudInitFiles(paths.root)
    user_data = cloud_init_files.read_user_data(files)
    for path in (
        *_list_node_files(paths.state_folder),
        *_list_folder(paths.collector_cache),
        *cloud_init_files.list_older_boot_copies(files, user_data),
        *cloud_init_files.list_older_instance_files(files),
    ):
        _remove_path(path)
    _reset_collector_config(user_data, paths.collector_config)
    _remove_collector_drop_ins(
        user_data, paths.collector_config.with_name(f"{paths.collector_config.name}.d")
    )
    _reduce_journal(paths.state_folder)
    for path in paths.list_option_files():
        _reset_option_file(path)
    _replace_machine_id(paths)
    return _clean_data_folder(paths.data_folder)


def forget_node(journal: JournalState) -> JournalState:
    """Return what the journal knows about the data alone, which was copied with the disk."""
    return JournalState(
        accounts=journal.accounts,
        divergences=journal.divergences,
        sighting=journal.sighting,
        anchor=journal.anchor,
        unfinished=journal.unfinished,
    )


def _list_node_files(state_folder: Path) -> Iterator[Path]:
    """Yield the state files about the node, with their drafts and quarantined copies."""
    for path in _list_folder(state_folder):
        name = path.name.removeprefix(".").removesuffix(".draft").partition(QUARANTINE_MARK)[0]
        is_former_journal = name.removeprefix(FORMER_PREFIX) in JOURNAL_FILES and name.startswith(
            FORMER_PREFIX
        )
        if name in NODE_FILES or is_former_journal:
            yield path


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_symlink() or not path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {error.strerror}") from error


def _reset_collector_config(user_data: InstanceUserData, path: Path) -> None:
    """Remove the origin's credentials from os-collect-config's configuration. Those of the user data stay."""
    if _has_foreign_credentials(user_data, path):
        atomic_file.write_file(path.resolve(), DEFAULT_COLLECTOR_CONFIG.encode())


def _remove_collector_drop_ins(user_data: InstanceUserData, folder: Path) -> None:
    for path in _list_folder(folder):
        if _has_foreign_credentials(user_data, path):
            atomic_file.remove_file(path)


def _has_foreign_credentials(user_data: InstanceUserData, path: Path) -> bool:
    config = atomic_file.read_file(path) or b""
    return has_credentials(config) and not user_data.has_credentials_of(config)


def _reduce_journal(state_folder: Path) -> None:
    """Write the journal without what it knows about the node. One that cannot be read stays: it is about the data."""
    file = JournalFile(state_folder / JOURNAL_FILES[0], parse_journal)
    if file.value is not None and file.value != forget_node(file.value):
        file.write(dump_journal(forget_node(file.value)))


def _reset_option_file(path: Path) -> None:
    """Remove the origin's server id and name from the agent's option file, which then is as in an image."""
    content = atomic_file.read_file(path)
    if content is None:
        return
    text = content.decode(errors="surrogateescape")
    new_text = REPORT_HOST_PATTERN.sub("", SERVER_ID_PATTERN.sub(IMAGE_SERVER_ID, text))
    if new_text != text:
        target = path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode)
        atomic_file.write_file(target, new_text.encode(errors="surrogateescape"), mode)


def _replace_machine_id(paths: ClonePaths) -> None:
    """Write a new machine id. What runs already keeps the former one until the next boot."""
    if not paths.machine_id_file.exists():
        return
    machine_id = f"{uuid.uuid4().hex}\n".encode()
    atomic_file.write_file(paths.machine_id_file.resolve(), machine_id, MACHINE_ID_MODE)
    if paths.dbus_machine_id_file.exists() and not paths.dbus_machine_id_file.is_symlink():
        atomic_file.write_file(paths.dbus_machine_id_file, machine_id, MACHINE_ID_MODE)


def _clean_data_folder(folder: Path) -> bool:
    """Remove the UUID of a MySQL server, which chooses a new one when it starts, its id, and a channel's certificates.

    Return whether the data are MySQL's. A data volume is left alone: if it was copied, it has another id.
    """
    if folder.is_mount():
        return False
    for path in (*folder.glob(f"{FILE_PREFIX}*"), *folder.glob(f".{FILE_PREFIX}*"), folder / "auto.cnf"):
        atomic_file.remove_file(path)
    _reset_persisted_variables(folder / PERSISTED_FILE)
    return (folder / MYSQL_TABLESPACE).exists()


def _reset_persisted_variables(path: Path) -> None:
    """Remove the origin's server id and name from MySQL's persisted variables. Others, as super_read_only, stay."""
    if (
        path.is_symlink() or not path.is_file()
    ):  # the folder belongs to another user: a link could name any file
        return
    new_content = remove_identity_variables(atomic_file.read_file(path) or b"")
    if new_content is not None:
        status = path.stat()
        owner = (status.st_uid, status.st_gid)
        atomic_file.write_file(path, new_content, stat.S_IMODE(status.st_mode), owner=owner)


def _remove_path(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror}") from error
    else:
        atomic_file.remove_file(path)
