"""`make bench-ready`: the time from a node's metadata to its accepted SUCCESS, compared with a minimal script.

Prints ratios, and the seconds that they come from. Nothing is asserted of a time: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from guestagent.embedded.database_servers import FLAVOURS
from tests.bench.machine import describe_machine
from tests.bench.ready.report import describe_rows, format_table, plot_rows
from tests.bench.ready.timing import measure_contestants


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ready", description=__doc__)
    parser.add_argument("--db", choices=tuple(FLAVOURS), nargs="+", default=tuple(FLAVOURS))
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument(
        "--watched", type=float, default=4.0, help="seconds in which drift checks are counted"
    )
    parser.add_argument("--plot", type=Path, help="where to draw what was measured, as SVG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows, costs = measure_contestants(options.db, options.repetitions, options.watched, report_line)
    if options.plot:
        options.plot.write_text(plot_rows(rows))
    if options.json:
        print(json.dumps({"machine": describe_machine(), **describe_rows(rows, costs)}, indent=2))
    else:
        print(format_table(rows, costs))


def report_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
