"""`guestagent doctor` on real servers: passed and failed checks, and no secret in any line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.failures.server_pair import PASSWORD, Node, Pair, open_pair
from tests.support.subnets import open_subnet

pytestmark = pytest.mark.timeout(900)

Findings = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def ready_pair(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """A ready source and a ready replica, each with its document delivered by `poke`."""
    with (
        open_subnet() as subnet,
        open_pair(tmp_path_factory.mktemp("pair"), data_template, flavour, subnet) as pair,
    ):
        pair.prepare()
        poke(pair.source, pair.build_source_document())
        poke(pair.replica, pair.build_replica_document())
        yield pair


def run(node: Node, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = (
        *node.command_prefix,
        sys.executable,
        "-m",
        "guestagent",
        *words,
        "--config",
        str(node.write_config()),
    )
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **environ})


def poke(node: Node, document: dict[str, Any]) -> None:
    """Deliver a document as os-collect-config does."""
    path = node.folder / "collected.json"
    path.write_text(json.dumps(document))
    answer = run(node, "poke", OS_CONFIG_FILES=str(path))
    assert answer.returncode == 0, answer.stderr


def run_doctor(node: Node) -> tuple[int, Findings]:
    """Return the exit code, and grade and text of each line."""
    answer = run(node, "doctor", "--json")
    assert answer.stderr == ""
    assert PASSWORD not in answer.stdout
    findings = json.loads(answer.stdout)["findings"]
    return answer.returncode, {f"{f['topic']}, {f['name']}": (f["grade"], f["seen"]) for f in findings}


def test_a_ready_replica_passes_every_check_of_the_servers(ready_pair: Pair) -> None:
    code, findings_by_name = run_doctor(ready_pair.replica)

    servers = {
        name: grade
        for name, (grade, _) in findings_by_name.items()
        if name.startswith(("server,", "source,"))
    }
    assert set(servers.values()) == {"ok"}, findings_by_name
    assert {
        "source, TCP",
        "source, versions",
        "server, receiver",
        "server, lag",
        "server, history",
    } <= servers.keys()
    assert findings_by_name["metadata, content"] == ("ok", "replica, generation 1, node Slave0000")
    assert (code, findings_by_name["agent, resident"][0]) == (1, "fail")  # no resident agent runs
    assert findings_by_name["handle, TCP"][0] == "fail"  # no Heat runs


def test_a_ready_source_passes_and_its_port_is_open(ready_pair: Pair) -> None:
    _, findings_by_name = run_doctor(ready_pair.source)

    assert findings_by_name["port, TCP"] == (
        "ok",
        f"{ready_pair.source.server.address}:{ready_pair.source.server.port} answers",
    )
    assert findings_by_name["server, account slave0000@%"][0] == "ok"


def test_wrong_credentials_are_reported_with_advice(ready_pair: Pair) -> None:
    poke(ready_pair.replica, ready_pair.build_replica_document(password="mistaken-1"))

    answer = run(ready_pair.replica, "doctor")

    poke(ready_pair.replica, ready_pair.build_replica_document())
    assert answer.returncode == 1
    assert "warn  server, source: expected a login as slave0000" in answer.stdout
    assert "compare the user's name, password and network" in answer.stdout
    assert "mistaken-1" not in answer.stdout
    assert "\033" not in answer.stdout


def test_an_unreachable_source_is_reported_before_its_consequences(ready_pair: Pair) -> None:
    ready_pair.source.server.stop()

    _, findings_by_name = run_doctor(ready_pair.replica)

    ready_pair.source.server.start()
    assert findings_by_name["source, TCP"][0] == "fail"
    assert findings_by_name["source, TCP"][1].endswith("Connection refused")
    assert [*findings_by_name].index("source, TCP") < [*findings_by_name].index("server, source")


def test_a_server_that_is_down_is_one_line(ready_pair: Pair) -> None:
    ready_pair.replica.server.stop()

    code, findings_by_name = run_doctor(ready_pair.replica)

    ready_pair.replica.server.start()
    assert (code, findings_by_name["server, answer"][0]) == (1, "fail")


def test_a_document_with_problems_has_a_line_for_each(ready_pair: Pair) -> None:
    document = ready_pair.build_replica_document()
    document["Master"]["Port"] = "mysql"
    document["GuestAgent"]["Sreading"] = 1
    poke(ready_pair.replica, document)

    answer = run(ready_pair.replica, "doctor")

    poke(ready_pair.replica, ready_pair.build_replica_document())
    assert "fail  metadata, content: Master.Port: expected an integer" in answer.stdout
    assert "fail  metadata, content: GuestAgent.Sreading: expected one of" in answer.stdout
