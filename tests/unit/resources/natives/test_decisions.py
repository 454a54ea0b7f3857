"""The whole table of NATIVES' decisions, as a person reads it: `pytest -s` prints it."""

from __future__ import annotations

import sys

from tests.unit.resources.natives.decision_table import TABLE, build_table


def test_the_plan_decides_as_the_table_says() -> None:
    table = build_table()
    sys.stdout.write(table)

    assert table == TABLE.read_text(encoding="utf-8"), (
        "if it is meant: python -m tests.unit.resources.natives.decision_table"
    )
