"""The trees of the images that the tests boot. `tools/image_trees.py`, which the gate runs first, builds them."""

from __future__ import annotations

import pytest

from guestagent.embedded.containers import ImageTree, open_image_tree
from guestagent.embedded.image_trees import ImageRecipe, provide_tree
from guestagent.errors import UnsupportedEnvironment
from tests.support.image_recipes import IMAGE_RECIPES

EACH = [pytest.param(recipe, id=name) for name, recipe in IMAGE_RECIPES.items()]


@pytest.fixture(scope="session", params=EACH)
def recipe(request: pytest.FixtureRequest) -> ImageRecipe:
    parameter: ImageRecipe = request.param
    return parameter


@pytest.fixture(scope="session")
def tree(recipe: ImageRecipe) -> ImageTree:
    """The tree of the image, with the agent of this checkout."""
    try:
        return open_image_tree(provide_tree(recipe, print))
    except UnsupportedEnvironment as lack:
        pytest.skip(str(lack))
