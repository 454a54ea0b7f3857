from __future__ import annotations

from importlib.metadata import requires
from pathlib import Path

from tools.lowest import lowest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_a_lower_bound_becomes_the_only_version() -> None:
    text = (
        'x\ndependencies = [\n    "PyYAML>=6.0",  # why\n]\nguest = ["a-b.c>=14.1"]\ndev = ["ours[test]"]\n'
    )

    assert lowest(text) == ["PyYAML==6.0", "a-b.c==14.1"]


def test_no_bound_of_the_project_is_missed() -> None:
    declared = {wanted.split(">=")[0].lower() for wanted in requires("guestagent") or () if ">=" in wanted}

    found = {bound.split("==")[0].lower().replace(".", "-") for bound in lowest(PYPROJECT.read_text())}

    assert found == declared
