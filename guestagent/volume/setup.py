"""The work of the volume's unit at a boot: find, format, mount and fill the volume, and record the result.

It may be killed between any two instructions, or lose power: the next run starts from what it finds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from guestagent.errors import InvalidMetadata, StorageError, VolumeError
from guestagent.file_lock import hold_lock
from guestagent.strict_json import UnreadableContent
from guestagent.volume.block_device import ATTACH_ADVICE, BlockDevice, observe_device, wait_for_device
from guestagent.volume.data_folder import DataFolder
from guestagent.volume.decision import VolumeAction, check_marker, decide_action, decide_by_content
from guestagent.volume.environment import VolumeEnvironment
from guestagent.volume.growth import grow_mounted, grow_unmounted, measure_file_system
from guestagent.volume.instance_data import InstanceData, build_record, choose_declaration, read_instance_data
from guestagent.volume.marker import Marker
from guestagent.volume.marker_file import read_marker, write_marker
from guestagent.volume.mount_table import find_mount, list_targets, parse_mounts
from guestagent.volume.observation import build_label
from guestagent.volume.record import VolumeRecord, read_record, write_record
from guestagent.volume.state import VolumeResult, VolumeState
from guestagent.volume.state_file import write_volume_state

LOCK_FILE = "lock"


def set_up_volume(environment: VolumeEnvironment) -> VolumeState:
    """Mount the node's volume, and return the state. A node without a volume is left as it is.

    The state is written for the agent, also that of a failure, which is raised: VolumeError or InvalidMetadata or
    StorageError. In that case nothing is mounted by this run, and nothing on the volume is lost.
    """
    paths = environment.paths
    with hold_lock(paths.run / LOCK_FILE, math.inf):
        write_volume_state(paths.run, VolumeState(VolumeResult.RUNNING))
        declaration = None
        try:
            instance_data = read_instance_data(paths.cloud_init)
            record = _read_record(paths.state, instance_data)
            declaration = choose_declaration(instance_data, record)
            if declaration is None:
                state = VolumeState(VolumeResult.NONE)
            else:
                # The record keeps a boot without cloud-init's data from using the root disk.
                updated_record = build_record(instance_data, declaration, record)
                if updated_record != record:
                    write_record(paths.state, updated_record)
                state = _VolumeSetup(environment, updated_record).run()
        except (VolumeError, InvalidMetadata, StorageError) as error:
            failed = VolumeState(VolumeResult.FAILED, declaration, reason=str(error), advice=error.advice)
            write_volume_state(paths.run, failed)
            raise
        write_volume_state(paths.run, state)
        return state


def _read_record(folder: Path, instance_data: InstanceData | None) -> VolumeRecord | None:
    """Read the record. One that cannot be read stops the work, unless cloud-init has the declaration."""
    try:
        return read_record(folder)
    except UnreadableContent as error:
        if instance_data is not None and instance_data.value is not None:
            return None
        raise VolumeError(
            f"the record of the volume in {folder} cannot be read ({error})",
            "if this node has no data volume, remove the file volume.json there",
        ) from error


class _VolumeSetup:
    """One run on a declared volume."""

    def __init__(self, environment: VolumeEnvironment, record: VolumeRecord) -> None:
        self._environment, self._record = environment, record
        self._paths, self._tools = environment.paths, environment.tools
        self._declaration = record.declaration
        self._kind = record.declaration.volume.file_system
        self._is_formatted = False

    def run(self) -> VolumeState:
        paths = self._paths
        data = DataFolder(paths, self._tools)
        data.check_source()
        wait = f"waits for the block device of volume {self._declaration.volume_id}"
        self._write_progress(f"{wait}, for at most {self._environment.timeout_s:.0f} s", ATTACH_ADVICE)
        device = wait_for_device(
            self._declaration.volume_id,
            paths.sys,
            paths.dev,
            self._environment.clock,
            self._environment.timeout_s,
        )
        self._write_progress(f"checks, mounts or fills {device.name}")
        with self._mount_root(device):
            marker = self._complete_data(data)
            growth_error = grow_mounted(self._environment, device, self._kind)
            data.mount(device)
        size = measure_file_system(self._environment, device, self._kind)
        return VolumeState(
            VolumeResult.MOUNTED,
            self._declaration,
            device=device.name,
            device_number=device.number,
            device_bytes=size.device_bytes,
            file_system_bytes=size.file_system_bytes,
            growth_error=growth_error if size.is_smaller else "",
            is_formatted=self._is_formatted,
            marker=marker,
        )

    def _write_progress(self, activity: str, advice: str = "") -> None:
        """Write for `guestagent status`, which runs before the agent does, what the unit is doing, and since when."""
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        reason = f"{activity} (since {since})"
        running = VolumeState(VolumeResult.RUNNING, self._declaration, reason=reason, advice=advice)
        write_volume_state(self._paths.run, running)

    @contextmanager
    def _mount_root(self, device: BlockDevice) -> Iterator[None]:
        """Mount the volume at its root, unless it is. If the rest of the work fails, unmount it again."""
        mounts = parse_mounts((self._paths.proc / "self" / "mountinfo").read_text())
        root = self._paths.root
        present = find_mount(mounts, str(root))
        if present is not None:
            if present.device_number != device.number:
                raise VolumeError(f"{root} is the mount of another device, {present.device_number}")
            yield
            return
        inspection = self._paths.inspection
        if find_mount(mounts, str(inspection)) is not None:  # of a run that was killed
            self._tools.unmount(inspection)
        others = [target for target in list_targets(mounts, device.number) if target != str(inspection)]
        if others:
            raise VolumeError(f"{device.name} is mounted at {', '.join(others)}", "unmount it there")
        self._prepare_file_system(device)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tools.mount(device.path, root, self._kind)
        try:
            yield
        except BaseException:
            with suppress(VolumeError):
                self._tools.unmount(root)
            raise

    def _prepare_file_system(self, device: BlockDevice) -> None:
        """Format the volume if that is allowed, otherwise make sure that it may be mounted, and grow an ext4."""
        self._tools.unprotect_device(device.path)  # of a run that was killed
        observation = observe_device(device, self._paths.sys, self._tools)
        action = decide_action(self._declaration, observation, is_formatting=self._record.is_formatting)
        if action is VolumeAction.MOUNT:
            action = self._decide_by_content(device)
        if action is VolumeAction.MOUNT:
            grow_unmounted(self._environment, device, self._kind)
            return
        self._record_format(is_formatting=True)
        self._tools.make_file_system(
            device.path,
            self._kind,
            build_label(self._declaration.volume_id),
            replace=action is VolumeAction.FORMAT_AGAIN,
        )
        self._is_formatted = True

    def _decide_by_content(self, device: BlockDevice) -> VolumeAction:
        """Look at the marker before a mount for writing, which replays the log, changes anything.

        What an interrupted format left may not be mountable: it is replaced. A marker that cannot be read is not.
        """
        folder, is_formatting = self._paths.inspection, self._record.is_formatting
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tools.protect_device(device.path)
        try:
            self._tools.mount_read_only(device.path, folder, self._kind)
        except VolumeError as error:
            self._tools.unprotect_device(device.path)
            if is_formatting and self._declaration.volume.is_new:
                return VolumeAction.FORMAT_AGAIN
            raise VolumeError(f"the file system on {device.name} cannot be read: {error}") from error
        try:
            marker = read_marker(folder)
            names = {child.name for child in folder.iterdir()}
        except OSError as error:
            raise VolumeError(f"the file system on {device.name} cannot be read: {error.strerror}") from error
        finally:
            self._tools.unmount(folder)
            self._tools.unprotect_device(device.path)
        return decide_by_content(self._declaration, marker, names, is_formatting=is_formatting)

    def _record_format(self, *, is_formatting: bool) -> None:
        if self._record.is_formatting != is_formatting:
            self._record = replace(self._record, is_formatting=is_formatting)
            write_record(self._paths.state, self._record)

    def _complete_data(self, data: DataFolder) -> Marker:
        """Mark the volume as this node's, and copy the data directory of the root disk to a new one."""
        root, declaration = self._paths.root, self._declaration
        root.chmod(0o700)
        marker = read_marker(root)
        if marker is not None:
            check_marker(declaration, marker)
        present = marker or Marker(declaration.volume_id)
        owned = replace(
            present,
            cluster=present.cluster or declaration.cluster,
            node=present.node or declaration.node,
        )
        if owned != marker:
            write_marker(root, owned)
        # From here on the volume may hold data: a format would lose them.
        self._record_format(is_formatting=False)
        if owned.has_data:
            data.check_copy()
            return owned
        data.copy(is_new=declaration.volume.is_new)
        complete = replace(owned, has_data=True)
        write_marker(root, complete)
        return complete
