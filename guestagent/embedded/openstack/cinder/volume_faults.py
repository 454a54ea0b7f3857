"""What goes wrong with a volume, by its type and by its name. Pure.

A name holds the same words as on the real cloud of this package: `fail-create`, `fail-extend`, `fail-attach`,
`fail-delete`, and `slow-N`, which makes each operation N seconds longer.
"""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.host.named_delay import read_delay
from guestagent.embedded.openstack.cinder.volume_types import VolumeType


@dataclass(frozen=True, slots=True)
class VolumeFaults:
    """The operations of a volume that fail, and the seconds that each takes longer."""

    fails_to_create: bool
    fails_to_extend: bool
    fails_to_attach: bool
    fails_to_delete: bool
    delay_s: int


def find_volume_faults(name: str | None, volume_type: VolumeType) -> VolumeFaults:
    """Return the faults of a volume as it is called now."""
    words = name or ""
    return VolumeFaults(
        fails_to_create=volume_type.fails_to_create or "fail-create" in words,
        fails_to_extend=volume_type.fails_to_extend or "fail-extend" in words,
        fails_to_attach=volume_type.fails_to_attach or "fail-attach" in words,
        fails_to_delete=volume_type.fails_to_delete or "fail-delete" in words,
        delay_s=read_delay(words),
    )
