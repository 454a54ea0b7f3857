"""The disk of an image, with its boot loader and kernel, as a cloud's image service gets it; kept in the cache.

A disk has the name of the tree with the same content. Any change of the elements or of the agent makes a new one.
"""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.host.cache_folder import find_cache_folder
from guestagent.embedded.image_trees import ImageRecipe
from guestagent.embedded.image_trees.build_process import ReportProgress, run_build
from guestagent.embedded.image_trees.environment import build_image_environment
from guestagent.embedded.image_trees.image_recipe import ROOT_ELEMENT
from guestagent.embedded.image_trees.mirrors import read_mirrors
from guestagent.embedded.image_trees.requirements import check_build_requirements
from guestagent.embedded.image_trees.tree_cache import (
    compute_tree_name,
    hold_image,
    keep_tree,
    list_element_folders,
    make_draft,
    mark_use,
)

BUILD_TIMEOUT_S = 3600.0
SHIMS = Path(__file__).parents[1] / "vm" / "shims"
DISK_FILE = "disk.qcow2"
# $0 is the folder of the draft, $1 that of the shims; the words after it are the elements.
BUILD_SCRIPT = """\
set -eu
shims=$1
shift
cd "$0"
mkdir tmp tree
export TMP_DIR=$0/tmp HOME=$0/tmp
if ! dmsetup version >/dev/null 2>&1; then
    for program in dmsetup kpartx; do mount --bind "$shims/$program" "$(command -v $program)"; done
fi
disk-image-create -o "$0/disk" -t qcow2 "$@"
mv disk.qcow2 tree/
"""


def provide_disk(recipe: ImageRecipe, report: ReportProgress, cache: Path | None = None) -> Path:
    """Return the disk of an image with the agent of this installation; it is built if the cache does not have it.

    Nobody may write to the disk: machines get overlays of it. It fails as provide_tree does.
    """
    folder = cache or find_cache_folder()
    trees, disks = folder / "trees", folder / "disks"
    with hold_image(
        recipe, trees
    ):  # a build of the tree uses the same packages, which have one user at a time
        disks.mkdir(mode=0o700, exist_ok=True)
        disk = disks / compute_tree_name(recipe)
        if not disk.is_dir():
            check_build_requirements(disks)
            _build_disk(recipe, disk, trees, report)
        mark_use(recipe, disks, {disk})
    return disk / DISK_FILE


def _build_disk(recipe: ImageRecipe, disk: Path, trees: Path, report: ReportProgress) -> None:
    report(f"{recipe.name}: building a disk, which takes minutes")
    mirrors = read_mirrors(recipe.release)
    environment = build_image_environment(recipe, list_element_folders(recipe), mirrors, trees)
    draft = make_draft(recipe, disk.parent)
    argv = ("bash", "-c", BUILD_SCRIPT, str(draft), str(SHIMS), ROOT_ELEMENT, "vm", *recipe.elements)
    log = disk.parent / f"{recipe.name}.log"
    run_build(f"{recipe.name}: building a disk", argv, log, environment, BUILD_TIMEOUT_S, report)
    keep_tree(draft, disk)
