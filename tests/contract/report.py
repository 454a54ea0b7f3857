"""`make contract-report`: compares the fakes and the real services, rule by rule.

Exit code 1 if they differ, 2 if no rule was chosen.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass

from tests.contract.cloud.cloud_rule_selection import CLOUD_CONCURRENCY
from tests.contract.cloud.columns import open_cloud_column
from tests.contract.cloud.rules import CLOUD_RULES
from tests.contract.columns import open_column
from tests.contract.rule import AnyRule, Client, Observation, Rule
from tests.contract.rule_runner import CONCURRENCY_LIMIT, RuleRunner
from tests.contract.rules import RULES


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A rule and its observations. `is_same`: every column matches the expectation for its release."""

    rule: AnyRule
    observations: dict[str, Observation]
    is_same: bool

    def __str__(self) -> str:
        texts = {column: format_observation(value) for column, value in self.observations.items()}
        if self.is_same and len(set(texts.values())) == 1:
            return f"same  {self.rule.title}\n      {next(iter(texts.values()))}"
        if format_observation(self.rule.observation) not in texts.values():
            texts["the rule"] = format_observation(self.rule.observation)
        columns = "\n".join(f"      {column}: {text}" for column, text in texts.items())
        return f"{'same ' if self.is_same else 'DIFF '} {self.rule.title}\n{columns}"


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    started = time.monotonic()
    lines = []
    if options.services != "cloud":
        rules = select_rules(RULES, options.only)
        lines += compare_columns(rules, options.columns, open_column, CONCURRENCY_LIMIT)
    if options.services != "heat" and set(options.columns) <= {"fake", "real"}:
        cloud_rules = select_rules(CLOUD_RULES, options.only)
        lines += compare_columns(cloud_rules, options.columns, open_cloud_column, CLOUD_CONCURRENCY)
    if not lines:
        print(f"contract-report: no rule contains {options.only!r}: capitals count", file=sys.stderr)
        return 2
    differences = sum(not line.is_same for line in lines)
    if options.json:
        print(
            json.dumps(
                {"rules": [describe_line(line) for line in lines], "differences": differences}, indent=2
            )
        )
    else:
        print_lines([line for line in lines if not (options.differences and line.is_same)])
        seconds = time.monotonic() - started
        print(
            f"{len(lines)} rules, {' and '.join(options.columns)}, {seconds:.0f} s: {differences} differences"
        )
    return 1 if differences else 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="contract-report", description=__doc__)
    parser.add_argument(
        "columns",
        nargs="*",
        default=["fake", "real"],
        metavar="COLUMN",
        help="fake, real, or the name of a cloud in clouds.yaml for the rules of Heat alone; by default fake and real",
    )
    parser.add_argument(
        "--services",
        choices=("all", "heat", "cloud"),
        default="all",
        help="the rules of Heat, or those of compute, volumes and network",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help='rules whose "area: title" contains this text; capitals count',
    )
    parser.add_argument("--differences", action="store_true", help="show only the rules that differ")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def select_rules(rules: Sequence[Rule[Client]], text: str) -> list[Rule[Client]]:
    return [rule for rule in rules if text in f"{rule.area}: {rule.title}"]


def compare_columns(
    rules: Sequence[Rule[Client]],
    columns: Sequence[str],
    open_client: Callable[[str], AbstractContextManager[Client]],
    concurrency: int,
) -> list[ReportLine]:
    """Run every rule in every column; the columns run at the same time. Without a rule no cloud is started."""
    lines: list[ReportLine] = []
    if not rules:
        return lines
    with ExitStack() as stack:
        clients = [stack.enter_context(open_client(name)) for name in columns]
        runners = [stack.enter_context(closing(RuleRunner(each, rules, concurrency))) for each in clients]
        for rule in rules:
            observations = {
                client.name: runner.describe_observation(rule)
                for client, runner in zip(clients, runners, strict=True)
            }
            is_same = all(
                observations[client.name] == rule.select_observation(client.release) for client in clients
            )
            lines.append(ReportLine(rule, observations, is_same))
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
