"""The product writes what the golden files hold. README.md describes what to do if a test fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.golden.command_line import answers_in_json, list_commands
from tests.unit.golden.error_answers import find_kinds, list_covered_kinds
from tests.unit.golden.golden_file import DATA, compare_golden, find_golden_files
from tests.unit.golden.plan_answers import list_missing_steps
from tests.unit.golden.registry import BUILDS, STORED
from tests.unit.golden.update import update

PACKAGE = Path(__file__).parents[3] / "guestagent"
COMMANDS = [name for name, parser in list_commands() if answers_in_json(parser)]


@pytest.mark.parametrize("name", BUILDS)
def test_the_product_writes_what_the_golden_file_holds(name: str, tmp_path: Path) -> None:
    built = BUILDS[name](tmp_path)

    message = compare_golden(name, built)

    assert not message, message


@pytest.mark.parametrize("name", STORED)
def test_the_product_reads_what_the_golden_file_holds(name: str, tmp_path: Path) -> None:
    stored = STORED[name]

    assert stored.read_copy(DATA / "files" / name, tmp_path) == stored.value


def test_every_golden_file_is_used() -> None:
    assert find_golden_files() - set(BUILDS) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_with_json_has_a_golden_answer(command: str) -> None:
    folder = f"answers/{command.replace(' ', '-')}/"

    assert [name for name in BUILDS if name.startswith(folder)] != []


def test_every_kind_of_error_has_a_golden_answer() -> None:
    assert find_kinds(PACKAGE) == list_covered_kinds()


def test_every_kind_of_step_is_in_a_golden_plan() -> None:
    assert list_missing_steps() == set()


def test_a_difference_names_the_golden_file_and_the_command_that_updates_it() -> None:
    message = compare_golden("files/journal/full.json", '{"jobs": 1}\n')

    assert message.startswith("tests/unit/golden/data/files/journal/full.json is not what the product writes")
    assert '+{"jobs": 1}' in message
    assert "python -m tests.unit.golden.update" in message


def test_ci_does_not_write_golden_files() -> None:
    with pytest.raises(SystemExit, match="CI compares golden files"):
        update({"CI": "true"})
