"""The images of the embedded cloud: the database server of a guest, and its origin."""

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
    image.name: image
    for image in (
        GuestImage("guestagent-mariadb", "mariadb"),
        GuestImage("guestagent-mariadb-11.8", "mariadb", FLAVOURS["mariadb118"]),
        GuestImage("guestagent-mysql", "mysql", FLAVOURS["mysql97"]),
    )
}
DEFAULT_IMAGE = GUEST_IMAGES["guestagent-mariadb"]


def find_image(name: str) -> GuestImage:
    """Return an image by its name; CloudError if there is none."""
    if name not in GUEST_IMAGES:
        raise CloudError(f"there is no image {name}: there are {', '.join(GUEST_IMAGES)}")
    return GUEST_IMAGES[name]
