"""`make bench-seed`: a seed by backup or clone under writes, beside its floor: the same files without a database.

Prints seconds, bytes and ratios. Nothing is asserted of them: machines differ. Needs room for four times `--mib`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from guestagent.embedded.database_servers import FLAVOURS
from tests.bench.machine import describe_machine
from tests.bench.seed.report import describe_rows, format_report, plot_rows
from tests.bench.seed.seed_rows import measure_seeds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.seed", description=__doc__)
    parser.add_argument("--db", choices=tuple(FLAVOURS), nargs="+", default=tuple(FLAVOURS))
    parser.add_argument("--mib", type=int, default=1024, help="size of the source's rows")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--plot", type=Path, help="where to draw what was measured, as SVG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure_seeds(options.db, options.mib, options.repetitions, report_line)
    if options.plot:
        options.plot.write_text(plot_rows(rows, f", {options.mib} MiB of rows"))
    if options.json:
        machine = {"machine": describe_machine(), "mib": options.mib}
        print(json.dumps({**machine, **describe_rows(rows)}, indent=2))
    else:
        print(format_report(rows))


def report_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
