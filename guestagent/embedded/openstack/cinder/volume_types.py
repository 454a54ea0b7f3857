"""The volume types of the cloud. Some of them fail on purpose, as some flavors do."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.host.identifiers import build_fixed_id


@dataclass(frozen=True, slots=True)
class VolumeType:
    """A type. Volumes of a type may fail to be created, extended, attached or deleted.

    `fails_to_notify`: Cinder extends an attached volume, but cannot tell Nova. `hides_growth`: Nova reports a success,
    but the guest does not see the new size before it boots again.
    """

    name: str
    fails_to_create: bool = False
    fails_to_extend: bool = False
    fails_to_attach: bool = False
    fails_to_delete: bool = False
    fails_to_notify: bool = False
    hides_growth: bool = False
    is_multiattach: bool = False

    @property
    def id(self) -> str:
        return build_fixed_id("volume type", self.name)


VOLUME_TYPES = (
    VolumeType("standard"),
    VolumeType("fast"),
    VolumeType("broken", fails_to_create=True),
    VolumeType("fixed", fails_to_extend=True),
    VolumeType("unattachable", fails_to_attach=True),
    VolumeType("permanent", fails_to_delete=True),
    VolumeType("unnotified", fails_to_notify=True),
    VolumeType("unseen", hides_growth=True),
    VolumeType("shared", is_multiattach=True),
)
DEFAULT_TYPE = VOLUME_TYPES[0]


def find_volume_type(name: str) -> VolumeType | None:
    """Return the type of that name or id."""
    return next((each for each in VOLUME_TYPES if name in (each.name, each.id)), None)
