#!/usr/bin/env python3
"""Build the image trees that the tests boot: all of them, or those that are named.

Exit code 77 if this machine cannot build them, or cannot boot them as containers.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from guestagent.embedded.containers.requirements import check_requirements
from guestagent.embedded.host.cache_folder import find_cache_folder
from guestagent.embedded.image_trees import ImageRecipe, provide_tree
from guestagent.errors import GuestAgentError
from tests.support.image_recipes import IMAGE_RECIPES


def main(names: list[str]) -> int:
    """Build them side by side, because each waits for the network and for the disk in turn. Return an exit code."""
    unknown = [name for name in names if name not in IMAGE_RECIPES]
    if unknown:
        report(f"there is no {unknown[0]}: the images are {', '.join(IMAGE_RECIPES)}")
        return 2
    try:
        check_requirements(find_cache_folder() / "guests")
    except GuestAgentError as error:
        report(str(error))
        return error.exit_code
    recipes = [IMAGE_RECIPES[name] for name in names] or list(IMAGE_RECIPES.values())
    with ThreadPoolExecutor(len(recipes)) as pool:
        return max(pool.map(build_tree, recipes))


def build_tree(recipe: ImageRecipe) -> int:
    """Build one, and return the exit code."""
    try:
        provide_tree(recipe, report)
    except GuestAgentError as error:
        report(str(error))
        return error.exit_code
    return 0


def report(message: str) -> None:
    """Print progress to standard error."""
    print(f"image trees: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
