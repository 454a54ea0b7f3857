"""The environment of a build: diskimage-builder's variables, and the few of our own that it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from guestagent.embedded.host.commands import DEFAULT_PATH
from guestagent.embedded.image_trees.builder_program import provide_builder, select_environment
from guestagent.embedded.image_trees.image_recipe import ImageRecipe
from guestagent.embedded.image_trees.mirrors import Mirrors, build_mirror_variables


def build_image_environment(
    recipe: ImageRecipe, elements: tuple[Path, ...], mirrors: Mirrors, folder: Path
) -> Mapping[str, str]:
    """Return the environment in which `disk-image-create` builds the image. Its caches are kept in `folder`."""
    image_cache = folder / "packages" / recipe.name
    image_cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        **build_environment(folder),
        **build_mirror_variables(mirrors, os.environ),
        "ELEMENTS_PATH": ":".join(map(str, elements)),
        "DIB_RELEASE": recipe.release,
        "DIB_IMAGE_CACHE": str(image_cache),
        "DIB_LOCKFILES": str(image_cache / "locks"),
        # The packages and the root that every build of this image begins with, for the next one.
        "DIB_APT_LOCAL_CACHE": "1",
        "DIB_DEBOOTSTRAP_CACHE": "1",
        "DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE": "1",
        "DIB_DEBUG_TRACE": "0",
    }


def build_environment(folder: Path) -> Mapping[str, str]:
    """Return the environment of a command with diskimage-builder's programs, which are kept in `folder`."""
    programs = provide_builder(folder)
    return {
        **select_environment(os.environ),
        "PATH": f"{programs}:{DEFAULT_PATH}",
        "LANG": "C.UTF-8",
        # A build has a home of its own, in which pip would not find what it has downloaded before.
        "PIP_CACHE_DIR": str(folder / "pip"),
    }
