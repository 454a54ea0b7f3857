"""The images that the tests boot: one of each database product, on two releases with different Python versions."""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.image_trees import MARIADB_RECIPE, ImageRecipe

ELEMENTS = Path(__file__).parents[1] / "image" / "elements"
MYSQL_RECIPE = ImageRecipe("trixie-mysql", "trixie", ("sid-mysql", "guestagent-mysql"), (ELEMENTS,))
IMAGE_RECIPES = {recipe.name: recipe for recipe in (MARIADB_RECIPE, MYSQL_RECIPE)}
