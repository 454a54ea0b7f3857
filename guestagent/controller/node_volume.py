"""The data volume of a node as its stack makes it, and the shape of its description. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from guestagent.errors import InvalidCluster, Problem
from guestagent.metadata.limits import VOLUME_SIZE_LIMIT_GIB
from guestagent.metadata.schema_types import Integer, Key, MappingShape, Text

T = TypeVar("T")

VOLUME_TYPE_NAME = Text(255, description="a volume type's name")
VOLUME_SIZE = Integer(1, VOLUME_SIZE_LIMIT_GIB)


@dataclass(frozen=True, slots=True)
class StackVolume:
    """A data volume that is made with its stack, and attached in the request that creates the node's server.

    `volume_type` is its type in Cinder (None: the cloud's default). `is_kept`: it stays when its node or its stack is
    deleted. `store` is the id of the store of the resource manager that has made it (None: none has); its metadata say
    so for as long as it exists.
    """

    size_gib: int
    volume_type: str | None = None
    is_kept: bool = True
    store: str | None = None

    def grown(self, size_gib: int) -> StackVolume:
        """Return the volume in this size. Raise InvalidCluster if it is smaller."""
        if size_gib < self.size_gib:
            expected = f"at least {self.size_gib} GiB, its present size"
            raise InvalidCluster(
                [Problem("volume.size_gib", expected, str(size_gib), "a volume never shrinks")]
            )
        return replace(self, size_gib=size_gib)


def build_volume_shape(factory: Callable[..., T]) -> MappingShape[T]:
    """Return the shape of `volume` in a description: `size_gib`, and `type`, which becomes `volume_type`."""
    return MappingShape(
        factory,
        {
            "size_gib": Key("size_gib", VOLUME_SIZE, "the size in GiB", required=True),
            "type": Key("volume_type", VOLUME_TYPE_NAME, "the volume's type in Cinder"),
        },
    )


STACK_VOLUME = build_volume_shape(StackVolume)
