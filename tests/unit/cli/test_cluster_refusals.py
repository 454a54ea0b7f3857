"""Bad input of `cluster add-replica` and `cluster repair`: one sentence, its exit code, and nothing is sent to Heat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.cli import command_line
from guestagent.controller import Dialect, FakeHeat, Passwords
from guestagent.controller.seed import SeedSettings
from tests.support.cluster_strategies import build_cluster
from tests.support.fake_stacks import launch_stack, signal_evidence
from tests.support.seeding_clusters import GIB
from tests.unit.golden.command_line import connect_to

INVALID, REFUSED = 2, 5


def launch(dialect: Dialect = Dialect.HOT, **settings: object) -> FakeHeat:
    heat = FakeHeat()
    launch_stack(heat, build_cluster(1, dialect=dialect, subnet="subnet-1", **settings))
    signal_evidence(heat, "Master0000ReadyWaitCond", data_bytes=GIB, family="MariaDB")
    return heat


def refuse(heat: FakeHeat, words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command that Heat must not notice. Return its exit code and its sentence."""
    with connect_to(heat):
        code = command_line.main(["cluster", *words, "--no-wait"])
    printed, reported = capsys.readouterr()
    assert "update" not in heat.asked
    assert printed == ""
    [line] = [line for line in reported.splitlines() if line.startswith("guestagent: ")]
    assert reported.splitlines()[-1] == line
    return code, line.removeprefix("guestagent: ")


ADD, REPAIR, RESEED = ["add-replica"], ["repair"], ["repair", "db", "Slave0000", "--reseed", "--yes"]
BAD_WORDS = [
    (ADD, INVALID, "cluster add-replica: the following arguments are required: STACK"),
    ([*ADD, "nope"], REFUSED, "there is no stack nope"),
    ([*ADD, ""], REFUSED, "there is no stack ''"),
    ([*ADD, "db", "extra"], INVALID, "unrecognized arguments: extra"),
    ([*ADD, "db", "--discard"], INVALID, "unrecognized arguments: --discard"),
    ([*ADD, "db", "--count", "0"], INVALID, "--count: expected a number between 1 and 200, found 0"),
    ([*ADD, "db", "--count", "-3"], INVALID, "--count: expected a number between 1 and 200, found -3"),
    ([*ADD, "db", "--count", "two"], INVALID, "argument --count: invalid int value: 'two'"),
    ([*ADD, "db", "--count", "200"], INVALID, "expected at most 1000 resources in a stack"),
    ([*ADD, "db", "--data-size", "0"], INVALID, "--data-size: must be from 1 to 1073741824 GiB, not '0'"),
    ([*ADD, "db", "--data-size", "1.5"], INVALID, "1073741824 GiB, not '1.5'"),
    ([*ADD, "db", "--data-size", "9" * 5000], INVALID, "1073741824 GiB, not '999"),
    ([*ADD, "db", "--data-size", "2000000"], INVALID, "because Heat waits at most 43200 s for a node"),
    ([*ADD, "db", "--flavor", ""], INVALID, "replicas[1].flavor: expected a string that is not empty"),
    ([*ADD, "db", "--image", ""], INVALID, "replicas[1].image: expected a string that is not empty"),
    ([*ADD, "db", "--flavor", "a\nb"], INVALID, "replicas[1].flavor: expected printable text"),
    (
        [*ADD, "db", "--passwords", "/nowhere/x"],
        INVALID,
        "/nowhere/x: expected a readable file, found No such",
    ),
    ([*ADD, "db", "--timeout", "nan"], INVALID, "--timeout: expected a number of seconds above 0, found nan"),
    ([*ADD, "db", "--timeout", "inf"], INVALID, "--timeout: expected a number of seconds above 0, found inf"),
    ([*REPAIR, "db"], INVALID, "cluster repair: the following arguments are required: NODE"),
    ([*REPAIR, "nope", "Slave0000"], REFUSED, "there is no stack nope"),
    ([*REPAIR, "db", "Slave9"], INVALID, "node: expected one of Master0000, Slave0000, found Slave9"),
    ([*REPAIR, "db", ""], INVALID, "node: expected one of Master0000, Slave0000, found ''"),
    (
        [*REPAIR, "db", "Slave0000", "--discard"],
        INVALID,
        "--discard: expected --reseed beside it, found none",
    ),
    ([*REPAIR, "db", "Slave0000", "--data-size", "5"], INVALID, "--data-size: expected --reseed beside it"),
    ([*REPAIR, "db", "Slave0000", "--reseed"], INVALID, "because there is no terminal for a confirmation"),
    ([*REPAIR, "db", "Master0000", "--reseed", "--yes"], INVALID, "found Master0000, the source"),
    (
        [*REPAIR, "db", "Slave9", "--reseed", "--yes"],
        INVALID,
        "node: expected one of Slave0000, found Slave9",
    ),
    ([*RESEED, "--data-size", "x"], INVALID, "--data-size: must be from 1 to 1073741824 GiB, not 'x'"),
]


@pytest.mark.parametrize(("words", "code", "text"), BAD_WORDS)
def test_bad_words_get_one_sentence(
    words: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found_code, line = refuse(launch(), words, capsys)

    assert (found_code, text in line) == (code, True), line


@pytest.mark.parametrize("words", [[*ADD, "db"], [*REPAIR, "db", "Slave0000"], RESEED])
def test_a_stack_that_is_being_updated_is_left_alone(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    heat = launch()
    heat.live["db"].stack = replace(heat.live["db"].stack, status="UPDATE_IN_PROGRESS")
    heat.live["db"].pending_conditions = ["Another"] * 9

    code, line = refuse(heat, words, capsys)

    assert (code, line) == (
        REFUSED,
        "stack db is UPDATE_IN_PROGRESS: it takes the next change when that is over",
    )


@pytest.mark.parametrize("words", [[*ADD, "db"], RESEED])
def test_a_stack_that_is_no_cluster_is_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    heat = launch()
    with connect_to(heat):
        heat.live["db"].template = {"Resources": {"Begin": {"Type": "OS::Heat::Value", "Properties": {}}}}
        code = command_line.main(["cluster", *words, "--no-wait"])

    lines = capsys.readouterr().err.splitlines()
    assert code == INVALID
    assert [line for line in lines if not line.startswith("guestagent: the template of stack db: ")] == []


@pytest.mark.parametrize(
    ("dialect", "method", "words", "text"),
    [
        (
            Dialect.CFN,
            "auto",
            [*ADD, "db", "--data-size", "500"],
            "a signed URL expires after auth_ttl, 900 s",
        ),
        (Dialect.CFN, "auto", [*RESEED, "--data-size", "500"], "a signed URL expires after auth_ttl, 900 s"),
        (Dialect.HOT, "clone", [*ADD, "db"], "expected auto, backup or dump on mariadb, found clone"),
        (Dialect.HOT, "replay", RESEED, "expected a method that copies data, found replay"),
    ],
)
def test_a_seed_that_cannot_be_is_refused(
    dialect: Dialect, method: str, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refuse(launch(dialect, seeding=SeedSettings(method)), words, capsys)

    assert (code, text in line) == (INVALID, True), line


@pytest.mark.parametrize(
    ("content", "mode", "text"),
    [
        ("Slave0001: a password\n", 0o644, "expected a file that its owner alone can read, found mode 0644"),
        ("[1,2", 0o600, "document: expected YAML or JSON"),
        ("- a\n", 0o600, "document: expected a mapping of nodes' names to passwords, found a list"),
        ("", 0o600, "document: expected a mapping of nodes' names to passwords, found nothing"),
        ("Slave0001: ''\n", 0o600, "Slave0001: expected a string that is not empty, found an empty one"),
        ("Slave0001: 12\n", 0o600, "Slave0001: expected a string, found an integer (quote it)"),
    ],
)
def test_a_bad_password_file_is_named_without_its_content(
    content: str, mode: int, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "passwords.yaml"
    file.write_text(content)
    file.chmod(mode)

    heat = launch(passwords=Passwords.PARAMETERS)
    code, line = refuse(heat, [*ADD, "db", "--passwords", str(file)], capsys)

    assert (code, f"{file}: {text}" in line) == (INVALID, True), line
