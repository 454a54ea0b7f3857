"""`make test-faults`: every row of the failure table on every flavour; exit code 1 where one goes another way."""

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
    asked = parse_arguments(arguments)
    chosen = [row for row in ROWS if asked.only in f"{row.area}: {row.title}"]
    flavours = [FLAVOURS[name] for name in asked.flavours]
    began = time.monotonic()
    with ThreadPoolExecutor(CONCURRENCY_LIMIT) as pool:
        columns = list(pool.map(lambda flavour: run_rows(flavour, chosen), flavours))
    outcomes = [outcome for found in columns for outcome in found]
    wrong = [outcome for outcome in outcomes if outcome.deviation]
    if asked.json:
        print(json.dumps([describe_outcome(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
    else:
        print_rows(chosen, outcomes)
        taken = f"{time.monotonic() - began:.0f} s"
        print(
            f"{len(chosen)} rows, servers: {', '.join(asked.flavours)}; {len(outcomes)} failures played in {taken}"
        )
        print(f"{len(outcomes) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="test-faults", description=__doc__)
    parser.add_argument(
        "flavours", nargs="*", default=[*FLAVOURS], metavar="FLAVOUR", help=", ".join(FLAVOURS)
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose area or words hold this text")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    return parser.parse_args(arguments)


def run_rows(flavour: Flavour, rows: Sequence[FailureRow]) -> list[Outcome]:
    """What each row gives on one flavour; told on the way, for it takes minutes."""
    found = []
    with tempfile.TemporaryDirectory(prefix="guestagent-failures-") as made, open_subnet() as subnet:
        folder = Path(made)
        template = install_data_directory(folder / "template", flavour)
        with closing(RowRunner(folder, template, flavour, subnet)) as campaign:
            for row in rows:
                outcome = campaign.run_row(row)
                if outcome is not None:
                    found.append(outcome)
                    sys.stderr.write(f"{flavour.name}: {row.title}: {outcome.deviation or 'as expected'}\n")
    return found


def print_rows(rows: Sequence[FailureRow], outcomes: Sequence[Outcome]) -> None:
    """A paragraph for each row, a line for each server."""
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
    told = outcome.answer
    if told is None:
        return f"WRONG    nothing was told: {outcome.deviation}"
    reason = f"{told.worst_condition}: {told.reason}" if told.worst_condition else told.reason
    verdict = str(classify_ending(told))
    line = f"{verdict:8} {reason[:REASON_LENGTH_LIMIT]}".rstrip()
    if not outcome.deviation:
        return line
    wanted = f"{outcome.expectation.ending}, {outcome.expectation.condition}: {outcome.expectation.text}"
    return f"WRONG    {line}\n{'':16} wanted {wanted}; {outcome.deviation}"


def describe_outcome(outcome: Outcome) -> dict[str, object]:
    told = outcome.answer
    return {
        "area": outcome.row.area,
        "row": outcome.row.title,
        "flavour": outcome.flavour,
        "wanted": str(outcome.expectation.ending),
        "ending": None if told is None else str(classify_ending(told)),
        "condition": None if told is None else told.worst_condition,
        "reason": None if told is None else told.reason,
        "trouble": outcome.deviation,
    }


if __name__ == "__main__":
    sys.exit(main())
