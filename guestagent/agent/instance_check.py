"""Checks whether this disk belongs to the present instance, and gives a clone an identity of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from guestagent.agent import cloud_init_files, instance_record
from guestagent.agent.cloud_init_files import CloudInitFiles
from guestagent.agent.instance_identity import (
    DiskOrigin,
    InstanceIdentity,
    InstanceRecord,
    find_disk_origin,
)
from guestagent.agent.settings import Settings
from guestagent.errors import NotReady, StorageError
from guestagent.file_lock import hold_lock

LOCK_FILE = "instance.lock"
CLEANUP_TIMEOUT_S = 60.0
LOG = logging.getLogger("guestagent")


class InstanceCheck:
    """The check of this disk against the instance that cloud-init has identified. `root`: that of the machine."""

    def __init__(self, settings: Settings, root: Path = Path("/")) -> None:
        self._settings, self._root = settings, root
        self._state_folder, self._files = settings.state_folder, CloudInitFiles(root)

    def read_record(self) -> InstanceRecord | None:
        """Return the record of this disk; None if there is none."""
        return instance_record.read_record(self._state_folder)

    def find_origin(self) -> DiskOrigin:
        """Return the relation of this disk to the present instance. Raises StorageError if it cannot be read."""
        record = self.read_record()
        present = self._read_present(record)
        return find_disk_origin(self._find_recorded(record, present), present)

    def require_own_disk(self) -> None:
        """Raise NotReady if this disk is a copy that has no identity of its own yet."""
        if self.find_origin() is DiskOrigin.COPY:
            raise NotReady(
                "this disk is a copy of another instance's, and still has its documents and passwords; "
                "run `guestagent identity`, or restart the agent"
            )

    def settle_identity(self, restart_server: Callable[[], None] = lambda: None) -> InstanceRecord | None:
        """Record the instance of a new disk, and clean a copied one. Return the record; None if there is none.

        `restart_server` is called on a copy with MySQL's data: a server that runs already has the origin's UUID. Raises
        StorageError if the instance id cannot be read, or a file cannot be written; the next call then begins anew.
        """
        if self.find_origin() in (DiskOrigin.UNKNOWN, DiskOrigin.OWN):
            return self.read_record()
        with hold_lock(self._state_folder / LOCK_FILE, CLEANUP_TIMEOUT_S):
            record = self.read_record()  # another process may have done the work meanwhile
            present = self._read_present(record)
            recorded = self._find_recorded(record, present)
            origin = find_disk_origin(recorded, present)
            if present is None or origin in (DiskOrigin.UNKNOWN, DiskOrigin.OWN):
                return record
            new_record = InstanceRecord(present.instance_id, present.ec2_id)
            if recorded is not None:
                new_record = self._clean_clone(recorded.instance_id, new_record, restart_server)
            instance_record.quarantine_unreadable_record(self._state_folder)
            instance_record.write_record(self._state_folder, new_record)
            return new_record

    def _clean_clone(
        self, origin_id: str, new_record: InstanceRecord, restart_server: Callable[[], None]
    ) -> InstanceRecord:
        from guestagent.agent.clone_cleanup import ClonePaths, clean_clone  # `poke` does not need it

        LOG.warning(
            "this disk is a copy of instance %s's: its documents, passwords and signals are removed",
            origin_id,
        )
        settings = self._settings
        paths = ClonePaths(
            state_folder=settings.state_folder,
            collector_cache=settings.collector_cache,
            collector_config=settings.collector_config,
            option_file=settings.option_file,
            root=self._root,
        )
        if clean_clone(paths):
            restart_server()
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return InstanceRecord(new_record.instance_id, new_record.ec2_id, origin_id, now)

    def _read_present(self, record: InstanceRecord | None) -> InstanceIdentity | None:
        try:
            return cloud_init_files.read_identity(self._files)
        except StorageError:
            if record is None:
                return None
            raise

    def _find_recorded(
        self, record: InstanceRecord | None, present: InstanceIdentity | None
    ) -> InstanceIdentity | None:
        """Return the instance that this disk belonged to. Without a record, cloud-init's folders show another one.

        A disk may have been copied before its agent had written a record.
        """
        if record is not None or present is None:
            return None if record is None else record.identity
        return cloud_init_files.find_other_instance(self._files, present)
