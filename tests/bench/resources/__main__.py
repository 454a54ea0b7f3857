"""`make bench-resources`: what the resource manager's service costs, over RabbitMQ and the embedded cloud.

Prints latencies, requests, processor time and memory beside their goals. Nothing is asserted of them: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.bench.machine import describe_machine
from tests.bench.resources.bare_creations import measure_bare_creations
from tests.bench.resources.bench_cloud import open_bench_cloud
from tests.bench.resources.bench_service import open_bench_service
from tests.bench.resources.measurements import (
    build_creations,
    measure_creations,
    measure_latencies,
    measure_rest,
)
from tests.bench.resources.report import ResourceCosts, describe_costs, format_report, plot_costs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.resources", description=__doc__)
    parser.add_argument("--workers", type=int, default=4, help="clusters that the service works on at once")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--clusters", type=int, default=20, help="clusters that are at work meanwhile")
    parser.add_argument("--orders", type=int, default=10, help="orders of each client")
    parser.add_argument("--creates", type=int, nargs=2, default=(5, 50), metavar=("FEW", "MANY"))
    parser.add_argument("--instances", type=int, default=200, help="instances at rest")
    parser.add_argument("--size", type=int, default=10, help="instances of each cluster at rest")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds for which the rest is measured")
    parser.add_argument("--plot", type=Path, help="where to draw what was measured, as SVG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        costs = measure(Path(name), options)
    if options.plot:
        options.plot.write_text(plot_costs(costs))
    if options.json:
        print(json.dumps({"machine": describe_machine(), **describe_costs(costs)}, indent=2))
    else:
        print(format_report(costs))


def measure(folder: Path, options: argparse.Namespace) -> ResourceCosts:
    """Measure one after the other, each with a service of its own."""
    report_line("the latency of accepting orders")
    with open_bench_service(folder / "latencies", options.workers) as service:
        latencies = measure_latencies(service, options.clients, options.clusters, options.orders)
    report_line("creations at once")
    with open_bench_cloud() as cloud:
        bare = [
            measure_bare_creations(cloud, build_creations(number), options.workers)
            for number in options.creates
        ]
    with open_bench_service(folder / "creations", options.workers) as service:
        few, many = (
            measure_creations(service, number, seconds)
            for number, seconds in zip(options.creates, bare, strict=True)
        )
    report_line("a service at rest")
    with open_bench_service(folder / "rest", options.workers) as service:
        rest = measure_rest(service, options.instances, options.size, options.rest)
    return ResourceCosts(latencies, few, many, rest)


def report_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
