"""The images of the embedded cloud: which server a guest has, from where, and what an image has beside it."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.servers import FLAVOURS, Flavour
from guestagent.embedded.servers.flavours import Family
from guestagent.errors import CloudError


@dataclass(frozen=True, slots=True)
class Kind:
    """One image. `flavour` is what is fetched for it; None: the server is this machine's own."""

    name: str
    family: Family
    flavour: Flavour | None = None

    @property
    def element(self) -> str:
        """The element that makes such an image."""
        return f"guestagent-{self.family}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("guestagent-mariadb", "mariadb"),
        Kind("guestagent-mariadb-11.8", "mariadb", FLAVOURS["mariadb118"]),
        Kind("guestagent-mysql", "mysql", FLAVOURS["mysql97"]),
    )
}
DEFAULT = KINDS["guestagent-mariadb"]


def kind_of(image: str) -> Kind:
    """CloudError where there is no such image."""
    if image not in KINDS:
        raise CloudError(f"there is no image {image}: there are {', '.join(KINDS)}")
    return KINDS[image]
