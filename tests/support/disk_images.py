"""The disk of an image, with its boot loader and kernel, as a cloud's image service gets it."""

from __future__ import annotations

import shutil
from pathlib import Path

from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock
from guestagent.embedded.image_trees import ImageRecipe
from guestagent.embedded.image_trees.build_process import ReportProgress, run_build
from guestagent.embedded.image_trees.environment import build_image_environment
from guestagent.embedded.image_trees.image_recipe import ROOT_ELEMENT
from guestagent.embedded.image_trees.mirrors import read_mirrors
from guestagent.package_data import find_package_data

BUILD_TIMEOUT_S = 3600.0
SHIMS = Path(__file__).parents[1] / "vm" / "shims"
# $0 is the folder of the disk, $1 that of the shims; the words after it are the elements.
BUILD_SCRIPT = """\
set -eu
shims=$1
shift
cd "$0"
mkdir tmp
export TMP_DIR=$0/tmp HOME=$0/tmp
if ! dmsetup version >/dev/null 2>&1; then
    for program in dmsetup kpartx; do mount --bind "$shims/$program" "$(command -v $program)"; done
fi
disk-image-create -o "$0/disk" -t qcow2 "$@"
"""


def build_disk(recipe: ImageRecipe, folder: Path, report: ReportProgress) -> Path:
    """Build the disk in a new folder. The packages come from the same cache as those of the image's tree."""
    elements = (*recipe.element_folders, find_package_data("elements"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cache = find_cache_folder() / "trees"
    environment = build_image_environment(recipe, elements, read_mirrors(recipe.release), cache)
    argv = ("bash", "-c", BUILD_SCRIPT, str(folder), str(SHIMS), ROOT_ELEMENT, "vm", *recipe.elements)
    log = folder / "build.log"
    with hold_file_lock(cache / f"{recipe.name}.lock"):  # apt's cache has one user at a time
        run_build(f"{recipe.name}: building a disk", argv, log, environment, BUILD_TIMEOUT_S, report)
    return folder / "disk.qcow2"
