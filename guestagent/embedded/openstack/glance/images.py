"""The images of the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.host.identifiers import build_fixed_id


@dataclass(frozen=True, slots=True)
class Image:
    name: str

    @property
    def id(self) -> str:
        return build_fixed_id("image", self.name)


IMAGES = (Image("guestagent-mariadb"), Image("guestagent-mariadb-11.8"), Image("guestagent-mysql"))


def find_image(name: str) -> Image | None:
    """Return the image of that name or id."""
    return next((image for image in IMAGES if name in (image.name, image.id)), None)
