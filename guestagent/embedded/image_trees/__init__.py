"""Image trees: root directories that diskimage-builder makes from the elements, kept in the cache, booted as guests."""

from guestagent.embedded.image_trees.image_recipe import MARIADB_RECIPE, ImageRecipe
from guestagent.embedded.image_trees.tree_cache import provide_plain_tree, provide_tree

__all__ = ["MARIADB_RECIPE", "ImageRecipe", "provide_plain_tree", "provide_tree"]
