"""`guestagent doctor` beside real servers: what is well, what is not, and that no line holds a secret."""

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

pytestmark = pytest.mark.timeout(240)

Findings = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def ready(flavour: Flavour, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A source and a replica that hold, each with its document handed over."""
    with open_subnet() as subnet, open_pair(tmp_path_factory.mktemp("pair"), empty, flavour, subnet) as made:
        made.prepare()
        handed_over(made.source, made.build_source_document())
        handed_over(made.replica, made.build_replica_document())
        yield made


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


def handed_over(node: Node, document: dict[str, Any]) -> None:
    """As os-collect-config does it."""
    path = node.folder / "collected.json"
    path.write_text(json.dumps(document))
    answer = run(node, "poke", OS_CONFIG_FILES=str(path))
    assert answer.returncode == 0, answer.stderr


def examined(node: Node) -> tuple[int, Findings]:
    """The exit code, and grade and text of each line."""
    answer = run(node, "doctor", "--json")
    assert answer.stderr == ""
    assert PASSWORD not in answer.stdout
    told = json.loads(answer.stdout)["findings"]
    return answer.returncode, {f"{f['topic']}, {f['name']}": (f["grade"], f["seen"]) for f in told}


def test_a_replica_that_holds_is_well_but_for_what_is_not_there(ready: Pair) -> None:
    code, found = examined(ready.replica)

    servers = {name: grade for name, (grade, _) in found.items() if name.startswith(("server,", "source,"))}
    assert set(servers.values()) == {"ok"}, found
    assert {
        "source, TCP",
        "source, versions",
        "server, receiver",
        "server, lag",
        "server, history",
    } <= servers.keys()
    assert found["metadata, content"] == ("ok", "replica, generation 1, node Slave0000")
    assert (code, found["agent, resident"][0]) == (1, "fail")  # nobody serves here
    assert found["handle, TCP"][0] == "fail"  # nor is there a Heat


def test_a_source_that_holds_is_well_and_its_port_answers(ready: Pair) -> None:
    _, found = examined(ready.source)

    assert found["port, TCP"] == ("ok", f"{ready.source.server.address}:{ready.source.server.port} answers")
    assert found["server, account slave0000@%"][0] == "ok"


def test_wrong_credentials_are_named_with_what_to_do(ready: Pair) -> None:
    handed_over(ready.replica, ready.build_replica_document(password="mistaken-1"))

    answer = run(ready.replica, "doctor")

    handed_over(ready.replica, ready.build_replica_document())
    assert answer.returncode == 1
    assert "warn  server, source: wanted a login as slave0000" in answer.stdout
    assert "compare the user's name, password and network" in answer.stdout
    assert "mistaken-1" not in answer.stdout
    assert "\033" not in answer.stdout


def test_a_source_that_is_down_is_found_before_what_follows_from_it(ready: Pair) -> None:
    ready.source.server.stop()

    _, found = examined(ready.replica)

    ready.source.server.start()
    assert found["source, TCP"][0] == "fail"
    assert found["source, TCP"][1].endswith("Connection refused")
    assert [*found].index("source, TCP") < [*found].index("server, source")


def test_a_server_that_is_down_is_one_line(ready: Pair) -> None:
    ready.replica.server.stop()

    code, found = examined(ready.replica)

    ready.replica.server.start()
    assert (code, found["server, answer"][0]) == (1, "fail")


def test_a_document_with_problems_has_a_line_for_each(ready: Pair) -> None:
    document = ready.build_replica_document()
    document["Master"]["Port"] = "mysql"
    document["GuestAgent"]["Sreading"] = 1
    handed_over(ready.replica, document)

    answer = run(ready.replica, "doctor")

    handed_over(ready.replica, ready.build_replica_document())
    assert "fail  metadata, content: Master.Port: expected an integer" in answer.stdout
    assert "fail  metadata, content: GuestAgent.Sreading: expected one of" in answer.stdout
