"""The table of NATIVES' decisions. `python -m tests.unit.resources.natives.decision_table` writes it again."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.resources.natives.action_cases import ACTIONS
from tests.unit.resources.natives.provisioning_cases import PROVISIONING
from tests.unit.resources.natives.removal_cases import REMOVAL

TABLE = Path(__file__).parent / "decisions.md"
CASES = [*PROVISIONING, *ACTIONS, *REMOVAL]


def build_table() -> str:
    """Return the table, in Markdown."""
    rows = (
        f"| {case.subject} | {case.known} | {'<br>'.join(case.decide()) or 'nothing'} |" for case in CASES
    )
    return "\n".join(["| subject | recorded and observed | decided |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    TABLE.write_text(build_table(), encoding="utf-8")
    sys.stdout.write(f"{TABLE.name}\n")
