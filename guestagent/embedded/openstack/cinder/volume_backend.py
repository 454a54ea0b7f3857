"""The interface to what keeps the content of volumes."""

from __future__ import annotations

from typing import Protocol


class VolumeBackend(Protocol):
    """Blocking, and safe to call from many threads at once. Failures are GuestAgentError."""

    def create_volume(self, volume_id: str, size_gib: int) -> None:
        """Create a blank volume."""

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        """Make a volume larger. What has it sees its new size only when the hypervisor shows it."""

    def delete_volume(self, volume_id: str) -> None:
        """Delete a volume; nothing happens if there is none."""
