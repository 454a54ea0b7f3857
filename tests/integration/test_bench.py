"""The benches run, at a size that takes a moment: their numbers are for people, and nothing is asserted of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).parents[2]
PASSES = (
    "tests.bench.passes",
    "--db",
    "mariadb1011",
    "--accounts",
    "5",
    "--intervals",
    "10",
    "--passes",
    "1",
)
READY = ("tests.bench.ready", "--db", "mariadb1011", "--repetitions", "1", "--watched", "0.5")
SEED = ("tests.bench.seed", "--db", "mariadb1011", "--mib", "4", "--repetitions", "1")
SMALL = (
    "tests.bench",
    "--heat",
    "fake",
    "--replicas",
    "1",
    "2",
    "--repetitions",
    "1",
    "--stacks",
    "5",
    "--boot",
    "0",
)


def test_the_bench_prints_a_row_for_each_size_and_template_and_draws_them(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"

    printed = run_bench(*SMALL, "--plot", str(plot))

    rows = [line.split(" | ")[:2] for line in printed.splitlines() if line.startswith("| 1 + ")]
    templates = ("plain, 2013", "ours, CFN", "ours, HOT")
    assert rows == [[f"| 1 + {size}", template] for size in (1, 2) for template in templates]
    assert "signals a second" in printed
    assert count_bars(plot) == len(rows)


@pytest.mark.patient
def test_quiet_passes_are_measured_beside_another_checkout() -> None:
    report = json.loads(run_bench(*PASSES, "--beside", str(ROOT), "--json"))

    assert [row["what"] for row in report["passes"]] == [
        "a source with 5 accounts",
        "a replica with a GTID set of 10 domains",
    ]
    assert all(len(row["here"]) == len(row["beside"]) == 1 and row["ratio"] > 0 for row in report["passes"])


def test_every_contestant_makes_a_source_and_a_replica_ready_and_has_its_row(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"

    report = json.loads(run_bench(*READY, "--json", "--plot", str(plot)))

    rows = [(row["role"], row["kind"]) for row in report["ready"]]
    kinds = ("script", "resident", "encrypted", "apply")
    assert rows == [(role, kind) for role in ("source", "replica") for kind in kinds]
    assert all(cost["ours"] > 0 and cost["theirs"] > 0 for cost in report["costs"])
    assert count_bars(plot) == len(rows)


def test_a_seed_is_measured_beside_its_floor_and_drawn(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"

    report = json.loads(run_bench(*SEED, "--json", "--plot", str(plot)))

    (row,) = report["seeds"]
    assert (row["flavour"], row["method"]) == ("mariadb1011", "backup")
    assert all(run["wire_bytes"] > 0 and run["transfer_s"] > 0 for run in (*row["seeds"], *row["floors"]))
    assert row["seeds"][0]["data_bytes"] > 4 * 2**20
    assert count_bars(plot) == 3


def run_bench(*words: str) -> str:
    command = [sys.executable, "-m", *words]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=150)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def count_bars(plot: Path) -> int:
    return len(ElementTree.parse(plot).findall("{http://www.w3.org/2000/svg}rect"))  # noqa: S314 - ours
