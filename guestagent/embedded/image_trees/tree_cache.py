"""The trees in the cache: whole or not there, named after what they are made from, and removed when nobody uses them.

A tree is built in a draft beside its place, and then renamed. Of several builders of one image one works while the
others wait.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import guestagent
from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock
from guestagent.embedded.image_trees.build_process import run_build
from guestagent.embedded.image_trees.build_scripts import BUILD_SCRIPT, LAYER_SCRIPT
from guestagent.embedded.image_trees.environment import build_environment, build_image_environment
from guestagent.embedded.image_trees.image_recipe import (
    AGENT_ELEMENT,
    ROOT_ELEMENT,
    ImageRecipe,
    compute_agent_digest,
    compute_image_digest,
)
from guestagent.embedded.image_trees.mirrors import read_mirrors, write_public_mirrors
from guestagent.embedded.image_trees.overlay_layer import merge_layer
from guestagent.embedded.image_trees.requirements import check_build_requirements
from guestagent.errors import StorageError
from guestagent.package_data import find_package_data

BUILD_TIMEOUT_S = 3600.0
LAYER_TIMEOUT_S = 900.0
# Of an image's trees the last few stay, and those that a test may still use.
KEPT_TREES_LIMIT = 3
USE_TIMEOUT_S = 12 * 3600.0

ReportProgress = Callable[[str], None]


def provide_tree(recipe: ImageRecipe, report: ReportProgress, cache: Path | None = None) -> Path:
    """Return the tree of an image with the agent of this installation. A new image takes minutes, a new agent seconds.

    UnsupportedEnvironment if this machine cannot build, CloudError if the build fails, StorageError if the tree cannot
    be kept. Nobody may write to the tree: guests get overlays of it.
    """
    folder = (cache or find_cache_folder()) / "trees"
    with hold_image(recipe, folder):
        image = _provide_image(recipe, folder, report)
        tree = folder / compute_tree_name(recipe)
        if not tree.is_dir():
            check_build_requirements(folder)
            _install_agent(recipe, image, tree, report)
        mark_use(recipe, folder, {image, tree})
    return tree


def provide_plain_tree(recipe: ImageRecipe, report: ReportProgress, cache: Path | None = None) -> Path:
    """Return the tree that these elements alone make, without an agent on top. It fails as provide_tree does."""
    folder = (cache or find_cache_folder()) / "trees"
    with hold_image(recipe, folder):
        image = _provide_image(recipe, folder, report)
        mark_use(recipe, folder, {image})
    return image


def compute_tree_name(recipe: ImageRecipe) -> str:
    """Return the name of the image with the agent of this installation, in the cache."""
    return f"{_compute_image_name(recipe)}-{compute_agent_digest(list_agent_sources())}"


def list_element_folders(recipe: ImageRecipe) -> tuple[Path, ...]:
    """List the folders with the elements of an image, those that are not guestagent's own first."""
    return (*recipe.element_folders, find_package_data("elements"))


def list_agent_sources() -> tuple[Path, ...]:
    """List the folders and files that the agent in a tree is made from."""
    package = Path(guestagent.__file__).parent
    return (
        package,
        package.parent / "pyproject.toml",
        find_package_data("systemd"),
        find_package_data("elements") / AGENT_ELEMENT,
    )


def remove_unused_trees(folder: Path, name: str, used: set[Path], now: float) -> None:
    """Remove the trees of an image that nobody has asked for in half a day, except the last few."""
    trees = [path for path in folder.glob(f"{name}-*") if path not in used and path.is_dir()]
    trees.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in trees[KEPT_TREES_LIMIT:]:
        if now - path.stat().st_mtime > USE_TIMEOUT_S:
            _remove_tree(path)


@contextmanager
def hold_image(recipe: ImageRecipe, folder: Path) -> Iterator[None]:
    """Keep other processes from building this image, in a folder that is made if it is missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds programs with other users' rights
        with hold_file_lock(folder / f"{recipe.name}.lock"):
            yield
    except OSError as error:
        raise StorageError(f"the tree of {recipe.name} cannot be kept in {folder}: {error}") from error


def mark_use(recipe: ImageRecipe, folder: Path, trees: set[Path]) -> None:
    """Note that these trees of an image are in use now, and remove those that are not."""
    for path in trees:
        os.utime(path)
    remove_unused_trees(folder, recipe.name, trees, time.time())


def make_draft(recipe: ImageRecipe, folder: Path) -> Path:
    """Make the empty folder in which a tree of the image is built; what a killed build left there goes."""
    draft = folder / f"{recipe.name}.draft"
    _remove_tree(draft)
    draft.mkdir(mode=0o700)
    return draft


def keep_tree(draft: Path, tree: Path) -> None:
    """Give the folder `tree` in a draft its name in the cache."""
    os.sync()  # else a power cut after the renaming could leave files without their content
    (draft / "tree").rename(tree)
    _remove_tree(draft)


def _compute_image_name(recipe: ImageRecipe) -> str:
    return f"{recipe.name}-{compute_image_digest(recipe, list_element_folders(recipe))}"


def _provide_image(recipe: ImageRecipe, folder: Path, report: ReportProgress) -> Path:
    image = folder / _compute_image_name(recipe)
    if not image.is_dir():
        check_build_requirements(folder)
        _build_image(recipe, image, report)
    return image


def _build_image(recipe: ImageRecipe, image: Path, report: ReportProgress) -> None:
    report(f"{recipe.name}: building the image, which takes minutes")
    mirrors = read_mirrors(recipe.release)
    environment = build_image_environment(recipe, list_element_folders(recipe), mirrors, image.parent)
    draft = make_draft(recipe, image.parent)
    argv = ("bash", "-c", BUILD_SCRIPT, str(draft), ROOT_ELEMENT, *recipe.elements)
    log = image.parent / f"{recipe.name}.log"
    run_build(f"{recipe.name}: building", argv, log, environment, BUILD_TIMEOUT_S, report)
    write_public_mirrors(draft / "tree", mirrors)
    keep_tree(draft, image)


def _install_agent(recipe: ImageRecipe, image: Path, tree: Path, report: ReportProgress) -> None:
    report(f"{recipe.name}: installing the agent")
    elements = list_element_folders(recipe)
    element = next(path for path in (each / AGENT_ELEMENT for each in elements) if path.is_dir())
    draft = make_draft(recipe, image.parent)
    argv = ("bash", "-c", LAYER_SCRIPT, str(draft), str(image), str(element), recipe.release)
    log = image.parent / f"{recipe.name}-agent.log"
    environment = build_environment(image.parent)
    run_build(f"{recipe.name}: installing the agent", argv, log, environment, LAYER_TIMEOUT_S, report)
    merge_layer(draft / "upper", draft / "tree")
    keep_tree(draft, tree)


def _remove_tree(path: Path) -> None:
    """Remove a tree, under another name first: one that is half removed must not be taken for a whole one."""
    draft = path.with_name(f"{path.name.removesuffix('.draft')}.draft")
    if draft.exists():
        shutil.rmtree(draft)
    if path != draft:
        shutil.rmtree(path.rename(draft))
