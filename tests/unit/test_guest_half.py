"""An image holds the guest's half of the package: what the element removes is what no command of a guest imports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.cli.command_line import COMMAND_MODULES
from guestagent.metadata.json_schema import format_schema
from guestagent.package_data import find_package_data
from tests.support.source_tree import HOUSE, get_modules, list_reachable_modules

INSTALL = find_package_data("elements") / "guestagent" / "install.d" / "50-guestagent"
OWN_CODE_LIMIT_BYTES = 2_500_000
OPERATOR_COMMANDS = {"cluster", "resources", "cloud", "demo", "elements-path"}
GUEST_COMMANDS = COMMAND_MODULES.keys() - OPERATOR_COMMANDS


def read_removed_parts() -> list[str]:
    """Return what the element removes below the package."""
    found = re.search(r"^for part in (.*?); do$", INSTALL.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].replace("\\\n", " ").split()


def read_bytecode_program() -> str:
    """Return the element's program that leaves nothing but bytecode of the package."""
    found = re.search(r"<<'END'\n(.*?\n)END$", INSTALL.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def is_removed(path: Path) -> bool:
    return any(path.is_relative_to(HOUSE / part) for part in read_removed_parts())


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as an image holds it."""
    folder = tmp_path_factory.mktemp("site-packages")
    package = folder / "guestagent"
    shutil.copytree(HOUSE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for part in read_removed_parts():
        if (package / part).is_dir():
            shutil.rmtree(package / part)
        else:
            (package / part).unlink(missing_ok=True)
    record = folder / "guestagent-1.0.dist-info/RECORD"
    record.parent.mkdir()
    record.write_text("guestagent/__init__.py,,\nguestagent/py.typed,,\nguestagent/demo/__init__.py,,\n")
    program = [sys.executable, "-X", "no_debug_ranges", "-c", read_bytecode_program()]
    subprocess.run([*program, folder, folder / "source.tar.gz"], check=True)
    return folder


def run_guest(guest: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "guestagent", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(guest)},
        cwd=guest,
        capture_output=True,
        text=True,
    )


def test_what_the_element_removes_is_what_no_command_of_a_guest_imports() -> None:
    starts = {"guestagent.__main__", "guestagent.cli.entry", "guestagent.cli.command_line"}
    starts |= {f"guestagent.cli.{COMMAND_MODULES[command]}" for command in GUEST_COMMANDS}
    needed = {module for start in starts for module in list_reachable_modules(start)}
    packages = {name for name, path in get_modules().items() if path.name == "__init__.py"}

    removed = {name for name, path in get_modules().items() if is_removed(path)}

    assert removed & needed == set()
    assert get_modules().keys() - removed - packages == needed - packages


def test_no_module_of_a_guest_reads_docstrings_which_an_image_does_not_have() -> None:
    modules = [path for path in get_modules().values() if not is_removed(path)]

    assert [path for path in modules if "__doc__" in path.read_text()] == []


@pytest.mark.parametrize("command", sorted(GUEST_COMMANDS))
def test_a_command_of_a_guest_is_in_an_image(guest: Path, command: str) -> None:
    answer = run_guest(guest, command, "--help")

    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("command", sorted(OPERATOR_COMMANDS))
def test_a_command_of_an_operator_is_refused_in_an_image_with_its_reason(guest: Path, command: str) -> None:
    answer = run_guest(guest, command)

    assert answer.returncode == 77
    assert f"`guestagent {command}` is not part of an image" in answer.stderr


def test_the_help_in_an_image_lists_the_commands_of_a_guest(guest: Path) -> None:
    answer = run_guest(guest, "--help")

    assert answer.returncode == 0
    assert re.findall(r"^    ([a-z]\S*)", answer.stdout, re.MULTILINE) == [
        command for command in COMMAND_MODULES if command in GUEST_COMMANDS
    ]


def test_an_image_holds_bytecode_and_no_source(guest: Path) -> None:
    compiled = {str(path.relative_to(guest))[: -len("c")] for path in guest.rglob("*.pyc")}

    assert list(guest.rglob("*.py")) == []
    assert compiled == {
        str(path.relative_to(HOUSE.parent)) for path in get_modules().values() if not is_removed(path)
    }


def test_an_image_holds_no_data_that_only_operators_read(guest: Path) -> None:
    files = {path.name for path in (guest / "guestagent").rglob("*") if path.is_file()}

    assert {name for name in files if not name.endswith(".pyc")} == {"py.typed"}
    assert run_guest(guest, "validate", "--schema").stdout == format_schema()


def test_the_record_of_the_package_lists_what_an_image_holds(guest: Path) -> None:
    paths = [path.relative_to(guest) for path in guest.rglob("*.pyc")]

    record = (guest / "guestagent-1.0.dist-info/RECORD").read_text()

    assert sorted(record.splitlines()) == sorted(
        ["guestagent/py.typed,,", "source.tar.gz,,", *(f"{path},," for path in paths)]
    )


def test_the_code_in_an_image_fits_its_budget(guest: Path) -> None:
    size = sum(path.stat().st_size for path in (guest / "guestagent").rglob("*"))

    assert size <= OWN_CODE_LIMIT_BYTES
