"""The images of the embedded cloud: which server a guest has, from where, and what an image has beside it."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from guestagent.embedded.database_servers.flavours import Family
from guestagent.errors import CloudError


@dataclass(frozen=True, slots=True)
class GuestImage:
    """One image. `flavour` is what is fetched for it; None: the server is this machine's own."""

    name: str
    family: Family
    flavour: Flavour | None = None

    @property
    def element(self) -> str:
        """The element that makes such an image."""
        return f"guestagent-{self.family}"


GUEST_IMAGES = {
    kind.name: kind
    for kind in (
        GuestImage("guestagent-mariadb", "mariadb"),
        GuestImage("guestagent-mariadb-11.8", "mariadb", FLAVOURS["mariadb118"]),
        GuestImage("guestagent-mysql", "mysql", FLAVOURS["mysql97"]),
    )
}
DEFAULT_IMAGE = GUEST_IMAGES["guestagent-mariadb"]


def find_image(image: str) -> GuestImage:
    """CloudError where there is no such image."""
    if image not in GUEST_IMAGES:
        raise CloudError(f"there is no image {image}: there are {', '.join(GUEST_IMAGES)}")
    return GUEST_IMAGES[image]
