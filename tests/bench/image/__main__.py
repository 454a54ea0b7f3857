"""`make bench-image`: an image with and without guestagent, the boot of its nodes, and their costs at rest.

Prints figures, and the budget of those that have one. Nothing is asserted of a time: machines differ. The images are
built from the elements if they are not in the cache, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from guestagent.controller import Dialect
from guestagent.embedded.containers import open_image_tree
from guestagent.embedded.image_trees import provide_plain_tree, provide_tree
from guestagent.errors import GuestAgentError
from tests.bench.image.guest_pair import GuestRow, measure_pair
from tests.bench.image.plain_recipes import build_plain_recipe
from tests.bench.image.report import describe_report, format_report, plot_boots
from tests.bench.image.tree_size import TreeSize, measure_tree
from tests.support.image_recipes import IMAGE_RECIPES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.image", description=__doc__)
    parser.add_argument("--image", choices=tuple(IMAGE_RECIPES), nargs="+", default=tuple(IMAGE_RECIPES))
    parser.add_argument("--repetitions", type=int, default=5, help="boots of a source with its replica")
    parser.add_argument(
        "--idle", type=float, default=120.0, help="seconds for which a node is watched at rest"
    )
    parser.add_argument(
        "--dialect", choices=[dialect.value for dialect in Dialect], default="cfn", help="of the stack"
    )
    parser.add_argument("--without-plain", action="store_true", help="build no image without guestagent")
    parser.add_argument("--plot", type=Path, help="where to draw the boots, as SVG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        sizes, rows = measure_images(options)
    except GuestAgentError as error:
        print(f"bench-image: {error}", file=sys.stderr)
        return int(error.exit_code)
    if options.plot:
        options.plot.write_text(plot_boots(rows))
    print(json.dumps(describe_report(sizes, rows), indent=2) if options.json else format_report(sizes, rows))
    return 0


def measure_images(options: argparse.Namespace) -> tuple[list[TreeSize], list[GuestRow]]:
    """Build what is missing first, so that no build disturbs a boot."""
    recipes = [IMAGE_RECIPES[name] for name in options.image]
    trees = [provide_tree(recipe, report_line) for recipe in recipes]
    plain_trees = [
        None if options.without_plain else provide_plain_tree(build_plain_recipe(recipe), report_line)
        for recipe in recipes
    ]
    sizes = [
        measure_tree(recipe.name, tree, plain)
        for recipe, tree, plain in zip(recipes, trees, plain_trees, strict=True)
    ]
    rows = [
        row
        for recipe, tree in zip(recipes, trees, strict=True)
        for row in measure_pair(
            recipe.name,
            open_image_tree(tree),
            Dialect(options.dialect),
            options.repetitions,
            options.idle,
            report_line,
        )
    ]
    return sizes, rows


def report_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
