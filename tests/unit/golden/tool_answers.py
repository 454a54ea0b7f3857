"""Golden answers of this repository's tools: the failure table, the contract report, and the benches."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import cast

from tests.bench.clusters import ClusterRow as ClusterRow
from tests.bench.ready.contestants import SCRIPT
from tests.bench.ready.costs import Cost
from tests.bench.ready.report import describe_rows as describe_readiness
from tests.bench.ready.timing import ReadyRow as ReadyRow
from tests.bench.ready.timing import Timing
from tests.bench.report import describe_rows as describe_clusters
from tests.bench.seed.report import describe_rows as describe_seeds
from tests.bench.seed.seed_rows import SeedRow as SeedRow
from tests.bench.seed.seed_run import SeedRun
from tests.bench.signal_load import Load
from tests.bench.templates import CFN, PLAIN
from tests.contract.report import ReportLine
from tests.contract.report import describe_line as describe_rule
from tests.contract.rule import AnyRule, Rule
from tests.failures.report import describe_outcome as describe_failure
from tests.failures.row import FailureRow as FailureRow
from tests.failures.row import Scenario, expect_final
from tests.failures.row_runner import Outcome
from tests.failures.server_pair import ApplyAnswer
from tests.unit.golden.golden_file import golden, to_json


def to_plain_json(value: object) -> str:
    """Return a value as JSON, with tuples as lists."""
    return to_json(json.loads(json.dumps(value)))


@golden("tools/test-faults.json")
def build_failures(folder: Path) -> str:
    """Build the answer for one row without a result, and one with the expected result."""
    row = FailureRow("encryption", "no TLS", cast(Scenario, None), {}, is_healed=True, is_quick=False)
    wanted = expect_final("TLS", "a server that offers TLS")
    condition = {"name": "TLS", "state": "final", "seen": "one without it", "do": ""}
    output = ApplyAnswer(1, {"state": "failed", "conditions": [condition]})
    outcomes = [Outcome(row, "mysql97", wanted, output), Outcome(row, "mysql97", wanted, None, "no answer")]
    return to_plain_json([describe_failure(outcome) for outcome in outcomes])


@golden("tools/contract-report.json")
def build_rules(folder: Path) -> str:
    rule: AnyRule = Rule("reads", "an output is resolved", lambda heat: True, observation=True)
    return to_plain_json(describe_rule(ReportLine(rule, {"fake": True, "real": ["later"]}, is_same=False)))


@golden("tools/bench-heat.json")
def build_clusters(folder: Path) -> str:
    rows = [ClusterRow(10, kind, (10.0, 12.0), (8.0, 9.0), hung=1) for kind in (PLAIN, CFN)]
    return to_plain_json({"clusters": describe_clusters(rows), "fake": asdict(Load(1000, 1000, 4.0, 50, 80))})


@golden("tools/bench-ready.json")
def build_readiness(folder: Path) -> str:
    took = (Timing(2.5, {"server": 0.5, "apply": 1.0, "verify": 0.5}),)
    rows = [ReadyRow("mariadb", "source", kind, took) for kind in ("agent", SCRIPT)]
    return to_plain_json(describe_readiness(rows, [Cost("mariadb", "memory", 40.0, "script", 8.0, "MiB")]))


@golden("tools/bench-seed.json")
def build_seeds(folder: Path) -> str:
    run = SeedRun(8.0, 4.0, 2**28, 2**27, 0.5, 1.5, 1.0, {"transferring": 4.0})
    return to_plain_json(describe_seeds([SeedRow("mariadb", "backup", (run,), (run,))]))
