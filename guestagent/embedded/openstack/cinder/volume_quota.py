"""The project's quota of volumes and gigabytes."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.openstack.cinder.errors import OverLimit


@dataclass(slots=True)
class VolumeQuota:
    """The limits of the project; a limit for one volume of None is none."""

    volumes: int = 100
    gigabytes: int = 10_000
    per_volume_gigabytes: int | None = None

    def check(self, size_gib: int, more_gib: int, used_gib: int, count: int) -> None:
        """Raise OverLimit if a volume of this size is too much. It makes `more_gib` more, and `count` volumes."""
        if self.per_volume_gigabytes is not None and size_gib > self.per_volume_gigabytes:
            raise OverLimit(
                f"VolumeSizeExceedsLimit: Requested volume size {size_gib}G is larger than maximum allowed limit "
                f"{self.per_volume_gigabytes}G."
            )
        if used_gib + more_gib > self.gigabytes:
            raise OverLimit(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
                f"Requested {more_gib}G, quota is {self.gigabytes}G and {used_gib}G has been consumed."
            )
        if count > self.volumes:
            raise OverLimit(
                f"VolumeLimitExceeded: Maximum number of volumes allowed ({self.volumes}) exceeded for quota "
                "'volumes'."
            )
