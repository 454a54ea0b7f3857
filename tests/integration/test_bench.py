"""The bench runs, at a size that takes a moment: its numbers are for people, and nothing is asserted of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.timeout(200)
ROOT = Path(__file__).parents[2]
SMALL = ("--heat", "fake", "--replicas", "1", "2", "--repetitions", "1", "--stacks", "5", "--boot", "0")


def test_the_bench_prints_a_row_for_each_size_and_template_and_draws_them(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"

    printed = bench("--plot", str(plot))

    rows = [line.split(" | ")[:2] for line in printed.splitlines() if line.startswith("| 1 + ")]
    templates = ("plain, 2013", "ours, CFN", "ours, HOT")
    assert rows == [[f"| 1 + {size}", template] for size in (1, 2) for template in templates]
    assert "signals a second" in printed
    bars = ElementTree.parse(plot).findall("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - ours
    assert len(bars) == len(rows)


def bench(*options: str) -> str:
    command = [sys.executable, "-m", "tests.bench", *SMALL, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stderr
    return done.stdout
