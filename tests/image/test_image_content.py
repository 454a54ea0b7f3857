"""What an image must not hold: an identity, a key, a trace of the machine that built it, or too much of ours."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import guestagent
from guestagent.embedded.containers import ImageTree
from guestagent.embedded.host.cache_folder import find_cache_folder
from guestagent.embedded.image_trees import ImageRecipe
from guestagent.embedded.image_trees.mirrors import PUBLIC_ARCHIVE, PUBLIC_SECURITY_ARCHIVE, read_mirrors
from tests.bench.image.tree_size import measure_tree
from tests.support.tree_scan import find_words, list_private_keys

pytestmark = pytest.mark.timeout(900)

ENVIRONMENT_LIMIT_BYTES = 90_000_000
OWN_CODE_LIMIT_BYTES = 2_500_000
IDENTITIES = (
    "var/lib/dbus/machine-id",
    "var/lib/systemd/random-seed",
    "var/lib/mysql/auto.cnf",
    "var/lib/cloud/instance",
    "var/lib/guestagent/journal.json",
)


def test_an_image_has_no_machine_id(tree: ImageTree) -> None:
    assert (tree.folder / "etc/machine-id").read_text() == "uninitialized\n"


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_image_has_no_identity(tree: ImageTree, name: str) -> None:
    path = tree.folder / name

    assert not path.exists()
    assert not path.is_symlink()


@pytest.mark.parametrize("name", ["etc/hostname", "etc/hosts", "etc/mailname"])
def test_an_image_has_no_name_of_the_machine_that_built_it(tree: ImageTree, name: str) -> None:
    path = tree.folder / name

    words = path.read_text().split() if path.exists() else []

    assert socket.gethostname() not in words


def test_an_image_holds_no_private_key(tree: ImageTree) -> None:
    assert list_private_keys(tree.folder) == []


def test_an_image_has_no_password(tree: ImageTree) -> None:
    entries = (tree.folder / "etc/shadow").read_text().splitlines()
    hashes = {entry.split(":")[0]: entry.split(":")[1] for entry in entries}

    assert {user for user, value in hashes.items() if not value.startswith(("*", "!"))} == set()


def test_an_image_holds_no_trace_of_the_machine_that_built_it(tree: ImageTree, recipe: ImageRecipe) -> None:
    checkout = Path(guestagent.__file__).parents[1]
    mirrors = read_mirrors(recipe.release)
    private_mirrors = {mirrors.archive, mirrors.security_archive} - {PUBLIC_ARCHIVE, PUBLIC_SECURITY_ARCHIVE}
    traces = {
        "checkout": str(checkout).encode(),
        "cache": str(find_cache_folder()).encode(),
        "build folder": b"/dib_build.",
        **{mirror: mirror.encode() for mirror in private_mirrors},
    }

    assert find_words(tree.folder, traces) == set()


def test_the_agent_in_an_image_fits_its_budget(tree: ImageTree, recipe: ImageRecipe) -> None:
    size = measure_tree(recipe.name, tree.folder, plain_tree=None)

    assert size.environment <= ENVIRONMENT_LIMIT_BYTES
    assert size.own_code <= OWN_CODE_LIMIT_BYTES


def test_an_image_holds_no_source_of_the_agent(tree: ImageTree) -> None:
    [package] = (tree.folder / "opt/guestagent/lib").glob("python3*/site-packages/guestagent")

    assert [path for path in package.rglob("*") if path.name == "__pycache__" or path.suffix == ".py"] == []
