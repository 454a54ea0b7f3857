"""`make test-faults`: runs every row of the failure table on every flavour; exit code 1 if one deviates."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.failures.row import FailureRow, classify_ending
from tests.failures.row_runner import Outcome, RowRunner
from tests.failures.rows import ROWS
from tests.support.database_servers import install_data_directory
from tests.support.subnets import open_subnet

CONCURRENCY_LIMIT = 2
REASON_LENGTH_LIMIT = 110


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    selected = [row for row in ROWS if options.only in f"{row.area}: {row.title}"]
    flavours = [FLAVOURS[name] for name in options.flavours]
    started = time.monotonic()
    with ThreadPoolExecutor(CONCURRENCY_LIMIT) as pool:
        columns = list(pool.map(lambda flavour: run_rows(flavour, selected), flavours))
    outcomes = [outcome for column in columns for outcome in column]
    failed = [outcome for outcome in outcomes if outcome.deviation]
    if options.json:
        print(json.dumps([describe_outcome(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
    else:
        print_rows(selected, outcomes)
        duration = f"{time.monotonic() - started:.0f} s"
        print(
            f"{len(selected)} rows, servers: {', '.join(options.flavours)}; "
            f"{len(outcomes)} failures tested in {duration}"
        )
        print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="test-faults", description=__doc__)
    parser.add_argument(
        "flavours", nargs="*", default=[*FLAVOURS], metavar="FLAVOUR", help=", ".join(FLAVOURS)
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="rows whose area or title contains this text"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def run_rows(flavour: Flavour, rows: Sequence[FailureRow]) -> list[Outcome]:
    """Run the rows on one flavour. Print each result at once: all of them take minutes."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="guestagent-failures-") as name, open_subnet() as subnet:
        folder = Path(name)
        template = install_data_directory(folder / "template", flavour)
        with closing(RowRunner(folder, template, flavour, subnet)) as runner:
            for row in rows:
                outcome = runner.run_row(row)
                if outcome is not None:
                    outcomes.append(outcome)
                    sys.stderr.write(f"{flavour.name}: {row.title}: {outcome.deviation or 'as expected'}\n")
    return outcomes


def print_rows(rows: Sequence[FailureRow], outcomes: Sequence[Outcome]) -> None:
    """Print a paragraph for each row, with a line for each server."""
    area = ""
    for row in rows:
        if row.area != area:
            area = row.area
            print(f"\n{area}\n{'-' * len(area)}")
        print(row.title)
        for outcome in outcomes:
            if outcome.row is row:
                print(f"    {outcome.flavour:11} {format_outcome(outcome)}")
    print()


def format_outcome(outcome: Outcome) -> str:
    answer = outcome.answer
    if answer is None:
        return f"WRONG    no answer: {outcome.deviation}"
    reason = f"{answer.worst_condition}: {answer.reason}" if answer.worst_condition else answer.reason
    ending = str(classify_ending(answer))
    line = f"{ending:8} {reason[:REASON_LENGTH_LIMIT]}".rstrip()
    if not outcome.deviation:
        return line
    expectation = f"{outcome.expectation.ending}, {outcome.expectation.condition}: {outcome.expectation.text}"
    return f"WRONG    {line}\n{'':16} expected {expectation}; {outcome.deviation}"


def describe_outcome(outcome: Outcome) -> dict[str, object]:
    answer = outcome.answer
    return {
        "area": outcome.row.area,
        "row": outcome.row.title,
        "flavour": outcome.flavour,
        "wanted": str(outcome.expectation.ending),
        "ending": None if answer is None else str(classify_ending(answer)),
        "condition": None if answer is None else answer.worst_condition,
        "reason": None if answer is None else answer.reason,
        "trouble": outcome.deviation,
    }


if __name__ == "__main__":
    sys.exit(main())
