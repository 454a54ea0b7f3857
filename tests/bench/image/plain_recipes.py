"""The images that the bench measures, each with the image that has the same database server without guestagent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from guestagent.embedded.image_trees import ImageRecipe

ELEMENTS = Path(__file__).with_name("elements")
PLAIN_ELEMENTS: Mapping[str, str] = {
    "guestagent-mariadb": "plain-mariadb",
    "guestagent-mysql": "plain-mysql",
}


def build_plain_recipe(recipe: ImageRecipe) -> ImageRecipe:
    """Return the recipe of the same release and packages, without guestagent's elements."""
    elements = tuple(PLAIN_ELEMENTS.get(element, element) for element in recipe.elements)
    return ImageRecipe(f"plain-{recipe.name}", recipe.release, elements, (*recipe.element_folders, ELEMENTS))
