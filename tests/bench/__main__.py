"""`make bench-heat`: clusters on a real Heat, ours beside the plain template of 2013; and the fake by itself.

Prints ratios, and the seconds that they come from. Nothing is asserted of a time: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench import signal_load
from tests.bench.answering_guests import AnsweringHypervisor
from tests.bench.clusters import KINDS, ClusterBench, ClusterRow
from tests.bench.machine import describe_machine
from tests.bench.report import describe_rows, format_table, plot_rows
from tests.contract.columns import open_heat_with


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--heat", choices=("real", "fake"), default="real")
    parser.add_argument("--replicas", type=int, nargs="+", default=(10, 50))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="which templates")
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--patience", type=float, default=300.0, help="seconds after which a stack has hung")
    parser.add_argument("--boot", type=float, default=5.0, help="seconds until a guest answers")
    parser.add_argument("--stacks", type=int, default=1000, help="of the fake Heat's own measurement")
    parser.add_argument("--plot", type=Path, help="where to draw what was measured, as SVG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure_clusters(options)
    load = signal_load.measure_load(options.stacks)
    if options.plot:
        options.plot.write_text(plot_rows(rows))
    if options.json:
        print(
            json.dumps(
                {"machine": describe_machine(), "clusters": describe_rows(rows), "fake": asdict(load)},
                indent=2,
            )
        )
    else:
        print(format_table(rows, load))


def measure_clusters(options: argparse.Namespace) -> list[ClusterRow]:
    with open_heat_with(options.heat, AnsweringHypervisor(options.boot)) as heat:
        bench = ClusterBench(heat, options.patience, lambda line: print(line, file=sys.stderr, flush=True))
        return bench.measure(options.replicas, options.kinds, options.repetitions)


if __name__ == "__main__":
    main()
