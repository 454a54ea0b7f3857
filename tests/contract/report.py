"""`make contract-report`: the fake and a real Heat beside each other, rule by rule; exit code 1 where they differ."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from tests.contract.columns import open_column
from tests.contract.rule import Observation, Rule
from tests.contract.rule_runner import RuleRunner
from tests.contract.rules import RULES


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One rule and what each column showed. `same`: every column showed what the rule says of its release."""

    rule: Rule
    observations: dict[str, Observation]
    is_same: bool

    def __str__(self) -> str:
        shown = {column: format_observation(value) for column, value in self.observations.items()}
        if self.is_same and len(set(shown.values())) == 1:
            return f"same  {self.rule.title}\n      {next(iter(shown.values()))}"
        if format_observation(self.rule.observation) not in shown.values():
            shown["the rule"] = format_observation(self.rule.observation)
        columns = "\n".join(f"      {column}: {text}" for column, text in shown.items())
        return f"{'same ' if self.is_same else 'DIFF '} {self.rule.title}\n{columns}"


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parse_arguments(arguments)
    rules = [rule for rule in RULES if asked.only in f"{rule.area}: {rule.title}"]
    began = time.monotonic()
    lines = compare_columns(rules, asked.columns)
    differences = sum(not line.is_same for line in lines)
    if asked.json:
        print(
            json.dumps(
                {"rules": [describe_line(line) for line in lines], "differences": differences}, indent=2
            )
        )
    else:
        print_lines([line for line in lines if not (asked.differences and line.is_same)])
        seconds = time.monotonic() - began
        print(
            f"{len(lines)} rules, {' and '.join(asked.columns)}, {seconds:.0f} s: {differences} differences"
        )
    return 1 if differences else 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
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


def compare_columns(rules: Sequence[Rule], columns: Sequence[str]) -> list[ReportLine]:
    """Every rule in every column; the columns run side by side."""
    with ExitStack() as stack:
        heats = [stack.enter_context(open_column(name)) for name in columns]
        campaigns = [stack.enter_context(closing(RuleRunner(heat, rules))) for heat in heats]
        lines = []
        for rule in rules:
            seen = {
                heat.name: campaign.describe_observation(rule)
                for heat, campaign in zip(heats, campaigns, strict=True)
            }
            same = all(seen[heat.name] == rule.select_observation(heat.release) for heat in heats)
            lines.append(ReportLine(rule, seen, same))
        return lines


def print_lines(lines: Sequence[ReportLine]) -> None:
    area = ""
    for line in lines:
        if line.rule.area != area:
            area = line.rule.area
            print(f"\n{area}\n{'-' * len(area)}")
        print(line)
    print()


def format_observation(value: Observation) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def describe_line(line: ReportLine) -> dict[str, Observation]:
    rule = line.rule
    return {
        "area": rule.area,
        "rule": rule.title,
        "says": rule.observation,
        "seen": line.observations,
        "same": line.is_same,
    }


if __name__ == "__main__":
    sys.exit(main())
