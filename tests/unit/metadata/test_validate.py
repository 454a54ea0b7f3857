"""`guestagent validate`, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.cli.command_line import main
from guestagent.metadata import schema
from tests.support.raw_documents import build_replica, build_source

ORIGIN = Path(__file__).with_name("origin")


def test_a_template_is_shown_node_by_node(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", str(ORIGIN / "one-replica.yaml")])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "Master0000: source, generation 1",
        "  user slave0000",
        "  unresolved ReadyWaitCondition = <Master0000ReadyWaitCondHandle>",
        "Slave0000: replica, generation 1",
        "  follows <Master0000.PrivateIp>:3306 as slave0000",
        "  unresolved ReadyWaitCondition = <SlaveReadyWaitCondHandle>",
        "  unresolved Master.Address = <Master0000.PrivateIp>",
    ]


def test_one_node_of_a_template_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", str(ORIGIN / "one-replica.yaml"), "--node", "Slave0000", "--json"])

    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    [document] = answer["documents"]
    assert (document["node"], document["role"], document["generation"]) == ("Slave0000", "replica", 1)
    assert document["unresolved"]["Master.Address"] == "<Master0000.PrivateIp>"
    assert document["document"]["Master"]["User"] == {"name": "slave0000", "password": "********"}


def test_unknown_keys_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "document.json"
    file.write_text(json.dumps(build_source() | {"master": {}, "os-collect-config": {}}))

    code = main(["validate", str(file)])

    assert code == 0
    assert capsys.readouterr().out == (
        "document: source, generation 1\n  unknown keys, ignored: master, os-collect-config\n"
    )


def test_a_name_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Resources": {"\x1b[2J\ud800": {"Metadata": build_source()}}}))

    code = main(["validate", str(file)])

    assert (code, capsys.readouterr().out) == (0, "\\x1b[2J\\ud800: source, generation 1\n")


def test_broken_nodes_are_reported_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resources = {
        "A": {"Metadata": build_source(Deadline=0)},
        "B": {"Metadata": build_source()},
        "C": {"Metadata": build_replica(7)},
    }
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Resources": resources}))

    code = main(["validate", str(file)])

    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    assert output.err.splitlines() == [
        f"guestagent: {file}: A: GuestAgent.Deadline: expected an integer from 1 to 43200, found 0",
        f"guestagent: {file}: C: Master.Address: expected a string, found an integer (quote it)",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--node", "Slave0009"], "--node: expected one of Master0000, Slave0000, found Slave0009"),
        (["--node", ""], "--node: expected one of Master0000, Slave0000, found none"),
    ],
)
def test_a_node_that_is_not_there(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", str(ORIGIN / "one-replica.yaml"), *words])

    assert code == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", str(tmp_path / "none.yaml"), "--json"])

    output = capsys.readouterr()
    assert code == 2
    assert json.loads(output.out)["error"]["problems"][0]["found"] == "No such file or directory"


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", "--schema"])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == schema()
