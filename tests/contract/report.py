"""`make contract-report`: the fake and a real Heat beside each other, rule by rule; exit code 1 where they differ."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from tests.contract.campaign import Campaign
from tests.contract.columns import column
from tests.contract.rule import Observation, Rule
from tests.contract.rules import RULES


@dataclass(frozen=True, slots=True)
class Line:
    """One rule and what each column showed. `same`: every column showed what the rule says of its release."""

    rule: Rule
    seen: dict[str, Observation]
    same: bool

    def __str__(self) -> str:
        shown = {column: show(value) for column, value in self.seen.items()}
        if self.same and len(set(shown.values())) == 1:
            return f"same  {self.rule.words}\n      {next(iter(shown.values()))}"
        if show(self.rule.says) not in shown.values():
            shown["the rule"] = show(self.rule.says)
        columns = "\n".join(f"      {column}: {text}" for column, text in shown.items())
        return f"{'same ' if self.same else 'DIFF '} {self.rule.words}\n{columns}"


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parsed(arguments)
    rules = [rule for rule in RULES if asked.only in f"{rule.area}: {rule.words}"]
    began = time.monotonic()
    lines = compared(rules, asked.columns)
    differences = sum(not line.same for line in lines)
    if asked.json:
        print(json.dumps({"rules": [as_json(line) for line in lines], "differences": differences}, indent=2))
    else:
        show_all([line for line in lines if not (asked.differences and line.same)])
        seconds = time.monotonic() - began
        print(
            f"{len(lines)} rules, {' and '.join(asked.columns)}, {seconds:.0f} s: {differences} differences"
        )
    return 1 if differences else 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="contract-report", description=__doc__)
    parser.add_argument(
        "columns",
        nargs="*",
        default=["fake", "real"],
        metavar="COLUMN",
        help="fake, real, or the name of a cloud in clouds.yaml; both where none is given",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="rules whose area or words hold this text")
    parser.add_argument("--differences", action="store_true", help="show no rule that holds")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    return parser.parse_args(arguments)


def compared(rules: Sequence[Rule], columns: Sequence[str]) -> list[Line]:
    """Every rule in every column; the columns run side by side."""
    with ExitStack() as stack:
        heats = [stack.enter_context(column(name)) for name in columns]
        campaigns = [stack.enter_context(closing(Campaign(heat, rules))) for heat in heats]
        lines = []
        for rule in rules:
            seen = {heat.name: campaign.told(rule) for heat, campaign in zip(heats, campaigns, strict=True)}
            same = all(seen[heat.name] == rule.expected(heat.release) for heat in heats)
            lines.append(Line(rule, seen, same))
        return lines


def show_all(lines: Sequence[Line]) -> None:
    area = ""
    for line in lines:
        if line.rule.area != area:
            area = line.rule.area
            print(f"\n{area}\n{'-' * len(area)}")
        print(line)
    print()


def show(value: Observation) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_json(line: Line) -> dict[str, Observation]:
    rule = line.rule
    return {
        "area": rule.area,
        "rule": rule.words,
        "says": rule.says,
        "seen": line.seen,
        "same": line.same,
    }


if __name__ == "__main__":
    sys.exit(main())
