"""`make bench-heat`: clusters on a real Heat, ours beside the plain template of 2013; and the fake by itself.

Prints ratios, and the seconds that they come from. Nothing is asserted of a time: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench import signals
from tests.bench.answering import AnsweringHypervisor
from tests.bench.clusters import KINDS, Bench, Row
from tests.bench.machine import machine
from tests.bench.report import plot, table, told
from tests.contract.columns import on_cloud


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
    asked = parser.parse_args()
    rows = clusters(asked)
    load = signals.measured(asked.stacks)
    if asked.plot:
        asked.plot.write_text(plot(rows))
    if asked.json:
        print(json.dumps({"machine": machine(), "clusters": told(rows), "fake": asdict(load)}, indent=2))
    else:
        print(table(rows, load))


def clusters(asked: argparse.Namespace) -> list[Row]:
    with on_cloud(asked.heat, AnsweringHypervisor(asked.boot)) as heat:
        bench = Bench(heat, asked.patience, lambda said: print(said, file=sys.stderr, flush=True))
        return bench.measured(asked.replicas, asked.kinds, asked.repetitions)


if __name__ == "__main__":
    main()
