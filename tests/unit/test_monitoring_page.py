"""The Nagios plugin and the Prometheus metrics of docs/how-to/monitoring.md, on answers of `guestagent status`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.page_commands import read_files

ROOT = Path(__file__).parents[2]
FILES = read_files((ROOT / "docs/how-to/monitoring.md").read_text(encoding="utf-8"))
ANSWERS = Path(__file__).parent / "golden/data/answers/status"
OK, WARNING, CRITICAL, UNKNOWN = range(4)


def program(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "of_the_page"}
    exec(compile(FILES[name], name, "exec"), found)  # noqa: S102  # the page's own program
    return found


def answer(name: str, **changed: object) -> dict[str, Any]:
    """A golden answer, in which a server and an agent run except for the values in `changed`."""
    golden = json.loads((ANSWERS / f"{name}.json").read_text())["answer"]
    lives = {"age": 3.5, "current": True, "agent": "running", "server": "listening", "paused": None}
    return {**golden, **lives, **changed}


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        (answer("too-old", conditions=[]), OK),
        (answer("too-old", current=False), UNKNOWN),
        (answer("too-old", server="not listening"), CRITICAL),
        (answer("too-old", agent="not running"), WARNING),
        (answer("too-old", paused={"by": "alice", "since": "", "reason": ""}), WARNING),
        (answer("too-old", state="converging"), WARNING),
        (answer("full"), CRITICAL),
        (answer("nothing-yet", current=False), UNKNOWN),
    ],
)
def test_the_nagios_plugin_judges_a_status(status: dict[str, Any], severity: int) -> None:
    judged, text = program("check_guestagent")["judge"](status)

    assert judged == severity
    assert (status["node"] or "this node") in text


def test_the_nagios_plugin_names_the_worst_check() -> None:
    _, text = program("check_guestagent")["judge"](answer("full"))

    assert "condition 0: what is seen" in text


@pytest.mark.parametrize("name", ["full", "nothing-yet", "too-old"])
def test_every_metric_has_one_value_for_each_set_of_labels(name: str) -> None:
    lines = list(program("guestagent_metrics")["render"](answer(name), True))

    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    assert len({labels for labels, _, _ in samples}) == len(samples)
    assert all(float(value) >= 0 for _, _, value in samples)
    assert sum(line.startswith("guestagent_state{") and line.endswith(" 1") for line in lines) == 1


def test_a_check_is_a_number_and_a_label_is_quoted() -> None:
    check = {"name": 'a "quoted" one', "state": "final", "wanted": "", "seen": "", "do": ""}

    lines = list(program("guestagent_metrics")["render"](answer("full", conditions=[check]), False))

    assert 'guestagent_check{node="Slave0000",role="replica",check="a \\"quoted\\" one"} 2' in lines
    assert 'guestagent_ready{node="Slave0000",role="replica"} 0' in lines


def test_every_alert_asks_for_a_metric_that_there_is() -> None:
    metrics = {name for name, _, _ in program("guestagent_metrics")["list_metrics"](answer("full"), True)}

    rules = yaml.safe_load(FILES["guestagent.yml"])["groups"][0]["rules"]

    assert all(any(metric in rule["expr"] for metric in metrics) for rule in rules)
