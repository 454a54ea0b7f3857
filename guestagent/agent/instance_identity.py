"""The instance that a disk belongs to: compares the recorded instance with the present one. Pure.

A disk that boots as another instance is a copy: a snapshot that was booted as a new server, for example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

EC2_ID_PATTERN = re.compile(r"i-[0-9a-f]+")
PLACEHOLDER_IDS = frozenset({"iid-datasource-none"})
"""The instance ids that cloud-init assigns when it finds no metadata. They identify no instance."""


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """An instance as cloud-init knows it. `ec2_id` is its id in the Ec2 dialect of the metadata, "" if not known."""

    instance_id: str
    ec2_id: str = ""

    @classmethod
    def from_ids(cls, instance_id: str, ec2_id: str = "") -> InstanceIdentity:
        """Build the identity; an instance id of the Ec2 dialect is the Ec2 id, too."""
        return cls(instance_id, instance_id if EC2_ID_PATTERN.fullmatch(instance_id) else ec2_id)

    @property
    def has_ec2_id_alone(self) -> bool:
        """Whether the metadata came in the Ec2 dialect."""
        return self.instance_id == self.ec2_id

    def is_same(self, other: InstanceIdentity) -> bool:
        """Whether both are one instance.

        A server of Nova has a UUID and an Ec2 id, and cloud-init takes the one of its datasource. If the datasources
        differ, the Ec2 ids decide. Two UUIDs are never one instance, whatever their Ec2 ids, which clouds reuse.
        """
        if self.has_ec2_id_alone == other.has_ec2_id_alone:
            return self.instance_id == other.instance_id
        return bool(self.ec2_id) and self.ec2_id == other.ec2_id


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """The instance of this disk. If the disk is a copy: the instance that it was copied from, and when it was noticed.

    `ec2_id` is the instance's id in the Ec2 dialect, `copied_at` in UTC; each is "" if there is none.
    """

    instance_id: str
    ec2_id: str = ""
    origin: str = ""
    copied_at: str = ""

    @property
    def identity(self) -> InstanceIdentity:
        return InstanceIdentity(self.instance_id, self.ec2_id)


class DiskOrigin(Enum):
    """The relation of this disk to the present instance.

    UNKNOWN: there is no instance id to compare with. NEW: no instance was recorded yet. OWN: it was recorded for this
    instance. COPY: it was recorded for another one.
    """

    UNKNOWN = "unknown"
    NEW = "new"
    OWN = "own"
    COPY = "copy"


def find_disk_origin(recorded: InstanceIdentity | None, present: InstanceIdentity | None) -> DiskOrigin:
    """Compare the recorded instance with the present one; each is None if there is none."""
    if present is None or present.instance_id in PLACEHOLDER_IDS:
        return DiskOrigin.UNKNOWN
    if recorded is None:
        return DiskOrigin.NEW
    return DiskOrigin.OWN if recorded.is_same(present) else DiskOrigin.COPY
