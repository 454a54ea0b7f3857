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

from guestagent.embedded.servers import FLAVOURS, Flavour
from tests.failures.campaign import Campaign, Outcome
from tests.failures.row import Row, ending
from tests.failures.rows import ROWS
from tests.integration.servers import installed
from tests.support.subnets import subnet_of_its_own

SIDE_BY_SIDE = 2
SHOWN = 110


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parsed(arguments)
    chosen = [row for row in ROWS if asked.only in f"{row.area}: {row.words}"]
    flavours = [FLAVOURS[name] for name in asked.flavours]
    began = time.monotonic()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        columns = list(pool.map(lambda flavour: column(flavour, chosen), flavours))
    outcomes = [outcome for found in columns for outcome in found]
    wrong = [outcome for outcome in outcomes if outcome.trouble]
    if asked.json:
        print(json.dumps([as_json(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
    else:
        show(chosen, outcomes)
        taken = f"{time.monotonic() - began:.0f} s"
        print(f"{len(chosen)} rows, servers: {', '.join(asked.flavours)}; {len(outcomes)} failures played in {taken}")
        print(f"{len(outcomes) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="test-faults", description=__doc__)
    parser.add_argument(
        "flavours", nargs="*", default=[*FLAVOURS], metavar="FLAVOUR", help=", ".join(FLAVOURS)
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose area or words hold this text")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    return parser.parse_args(arguments)


def column(flavour: Flavour, rows: Sequence[Row]) -> list[Outcome]:
    """What each row gives on one flavour; told on the way, for it takes minutes."""
    found = []
    with tempfile.TemporaryDirectory(prefix="guestagent-failures-") as made, subnet_of_its_own() as subnet:
        folder = Path(made)
        template = installed(folder / "template", flavour)
        with closing(Campaign(folder, template, flavour, subnet)) as campaign:
            for row in rows:
                outcome = campaign.played(row)
                if outcome is not None:
                    found.append(outcome)
                    sys.stderr.write(f"{flavour.name}: {row.words}: {outcome.trouble or 'as expected'}\n")
    return found


def show(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
    """A paragraph for each row, a line for each server."""
    area = ""
    for row in rows:
        if row.area != area:
            area = row.area
            print(f"\n{area}\n{'-' * len(area)}")
        print(row.words)
        for outcome in outcomes:
            if outcome.row is row:
                print(f"    {outcome.flavour:11} {said(outcome)}")
    print()


def said(outcome: Outcome) -> str:
    told = outcome.told
    if told is None:
        return f"WRONG    nothing was told: {outcome.trouble}"
    reason = f"{told.worst}: {told.reason}" if told.worst else told.reason
    verdict = str(ending(told))
    line = f"{verdict:8} {reason[:SHOWN]}".rstrip()
    if not outcome.trouble:
        return line
    wanted = f"{outcome.wanted.ending}, {outcome.wanted.condition}: {outcome.wanted.text}"
    return f"WRONG    {line}\n{'':16} wanted {wanted}; {outcome.trouble}"


def as_json(outcome: Outcome) -> dict[str, object]:
    told = outcome.told
    return {
        "area": outcome.row.area,
        "row": outcome.row.words,
        "flavour": outcome.flavour,
        "wanted": str(outcome.wanted.ending),
        "ending": None if told is None else str(ending(told)),
        "condition": None if told is None else told.worst,
        "reason": None if told is None else told.reason,
        "trouble": outcome.trouble,
    }


if __name__ == "__main__":
    sys.exit(main())
