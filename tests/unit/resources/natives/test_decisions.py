"""The whole table of NATIVES' decisions, as a person reads it in docs/reference/resources-plan.md."""

from __future__ import annotations

from pathlib import Path

from tests.unit.resources.natives.decision_table import build_page

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "resources-plan.md"


def test_the_plan_decides_as_the_page_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == build_page(), "if it is meant: `make docs`"
