"""The names of trees change with what they are made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.image_trees.image_recipe import (
    MARIADB_RECIPE,
    ImageRecipe,
    compute_image_digest,
    list_own_elements,
)
from guestagent.package_data import find_package_data
from tests.support.text_file import write_text_file

RECIPE = ImageRecipe("image", "bookworm", ("server",))


@pytest.fixture
def elements(tmp_path: Path) -> Path:
    folder = tmp_path / "elements"
    write_text_file(folder / "server/element-deps", "agent\npackage-installs\n")
    write_text_file(folder / "server/install.d/50-server", "echo server")
    write_text_file(folder / "agent/install.d/50-agent", "echo agent")
    write_text_file(folder / "other/install.d/50-other", "echo other")
    return folder


def compute(elements: Path, recipe: ImageRecipe = RECIPE) -> str:
    return compute_image_digest(recipe, (elements,))


def test_an_image_is_made_of_its_elements_and_their_dependencies(elements: Path) -> None:
    assert list_own_elements(("server",), (elements,)) == {"server", "agent"}


def test_the_agents_element_belongs_to_the_mariadb_image() -> None:
    names = list_own_elements(MARIADB_RECIPE.elements, (find_package_data("elements"),))

    assert {"guestagent", "guestagent-mariadb"} <= names


@pytest.mark.parametrize("name", ["server/install.d/50-server", "agent/install.d/50-agent", "agent/new"])
def test_a_changed_element_needs_another_tree(elements: Path, name: str) -> None:
    before = compute(elements)

    write_text_file(elements / name, "changed")

    assert compute(elements) != before


def test_a_script_that_becomes_executable_needs_another_tree(elements: Path) -> None:
    before = compute(elements)

    (elements / "agent/install.d/50-agent").chmod(0o755)

    assert compute(elements) != before


def test_another_release_needs_another_tree(elements: Path) -> None:
    assert compute(elements, ImageRecipe("image", "trixie", ("server",))) != compute(elements)


def test_the_scripts_that_install_the_agent_need_no_other_tree(elements: Path) -> None:
    recipe = ImageRecipe("image", "bookworm", ("guestagent",))
    script = write_text_file(elements / "guestagent/install.d/50-guestagent", "pip install")
    before = compute(elements, recipe)

    script.write_text("changed")

    assert compute(elements, recipe) == before


@pytest.mark.parametrize("name", ["other/install.d/50-other", "server/README.rst"])
def test_what_is_not_in_an_image_needs_no_other_tree(elements: Path, name: str) -> None:
    before = compute(elements)

    write_text_file(elements / name, "changed")

    assert compute(elements) == before
