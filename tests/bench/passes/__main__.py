"""`make bench-passes`: the cost of a quiet pass of the resident agent with many accounts and long GTID sets.

Prints processor seconds of the agent's process per pass, beside those of another checkout (`--beside`) on the same
servers. Nothing is asserted of a time: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from guestagent.embedded.database_servers import FLAVOURS
from tests.bench.machine import describe_machine
from tests.bench.passes.pass_cost import measure
from tests.bench.passes.report import describe_rows, format_table

DEFAULT = ("mariadb1011", "mysql97")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.passes", description=__doc__)
    parser.add_argument("--db", choices=tuple(FLAVOURS), nargs="+", default=DEFAULT)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--intervals", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=5, help="quiet passes that are measured of each")
    parser.add_argument(
        "--beside", type=Path, help="another checkout of guestagent to measure on the same servers"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        row
        for name in options.db
        for row in measure(
            FLAVOURS[name], options.accounts, options.intervals, options.passes, options.beside, report_line
        )
    ]
    if options.json:
        print(json.dumps({"machine": describe_machine(), "passes": describe_rows(rows)}, indent=2))
    else:
        print(format_table(rows))


def report_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
