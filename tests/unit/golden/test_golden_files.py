"""What is stored or read by programs is spelled as in the golden files; README.md says what to do about a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.golden.goldens import compare_golden, find_golden_files
from tests.unit.golden.registry import BUILDS
from tests.unit.golden.update import update


@pytest.mark.parametrize("name", BUILDS)
def test_the_product_writes_what_the_golden_file_holds(name: str, tmp_path: Path) -> None:
    built = BUILDS[name](tmp_path)

    message = compare_golden(name, built)

    assert not message, message


def test_every_golden_file_is_used() -> None:
    assert find_golden_files() - set(BUILDS) == set()


def test_a_difference_names_the_golden_file_and_the_command_that_updates_it() -> None:
    message = compare_golden("files/journal/full.json", '{"jobs": 1}\n')

    assert message.startswith("tests/unit/golden/data/files/journal/full.json is not what the product writes")
    assert '+{"jobs": 1}' in message
    assert "python -m tests.unit.golden.update" in message


def test_ci_does_not_write_golden_files() -> None:
    with pytest.raises(SystemExit, match="CI compares golden files"):
        update({"CI": "true"})
