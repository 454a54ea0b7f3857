"""Errors for people and programs: wrong arguments, an unreadable file, an answer that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.cli.command_line import main

ROOT = Path(__file__).parents[3]
SMALL = "{flavor: m1.small, image: i, replicas: 1}"


def run_main(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(words)
    message = capsys.readouterr()
    return code, message.out, message.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["clutser"], "guestagent: argument COMMAND: invalid choice: 'clutser'"),
        (["cluster", "creat"], "guestagent: cluster: argument VERB: invalid choice: 'creat'"),
        (["cluster", "status"], "guestagent: cluster status: the following arguments are required: STACK"),
        (["plan", "--off"], "guestagent: unrecognized arguments: --off"),
    ],
)
def test_wrong_arguments_are_reported_with_the_right_ones(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run_main(words, capsys)

    assert (code, out) == (2, "")
    assert err.startswith("usage: guestagent")
    assert message in err.splitlines()[-1]


INTERRUPTED_START = """
import sys

class InterruptedImport:
    def find_spec(self, name, path=None, target=None):
        if name == "guestagent.cli.command_line":
            raise KeyboardInterrupt

sys.meta_path.insert(0, InterruptedImport())
from guestagent.cli.entry import main
sys.exit(main())
"""


def test_an_interrupt_before_the_command_has_begun_is_no_traceback() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_START, "status"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "guestagent: interrupted\n")


@pytest.mark.parametrize("words", [[], ["cluster"]])
def test_a_command_alone_is_answered_with_what_there_is(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run_main(words, capsys)

    assert code == 2
    assert "positional arguments:" in err


def test_wrong_arguments_are_reported_to_programs_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run_main(["cluster", "create", "--json"], capsys)

    assert code == 2
    assert json.loads(out)["error"] == {
        "kind": "Misused",
        "message": "cluster create: the following arguments are required: FILE",
        "exit_code": 2,
        "problems": [],
    }


@pytest.mark.parametrize("words", [["cluster", "create"], ["cluster", "lint"], ["validate"]])
def test_every_command_reports_an_unreadable_file_alike(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binary").write_bytes(b"a\xff")

    missing = run_main([*words, str(tmp_path / "none")], capsys)
    binary = run_main([*words, str(tmp_path / "binary")], capsys)

    assert (missing[0], binary[0]) == (2, 2)
    assert missing[2].endswith("/none: expected a readable file, found No such file or directory\n")
    assert binary[2].endswith("/binary: expected a text, found bytes that are not UTF-8, from byte 1\n")


def run_guestagent(*words: str, stdin: str, out: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "guestagent", *words]
    return subprocess.run(argv, input=stdin, stdout=out, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_missing_packages_of_the_controller_are_reported_by_name() -> None:
    program = (
        "import sys; sys.modules['openstack'] = None; from guestagent.cli.command_line import main; "
        "sys.exit(main(['cluster', 'status', 'prod']))"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)

    assert ended.returncode == 77
    assert (
        ended.stderr == "guestagent: openstack is missing on this machine: install guestagent[controller]\n"
    )


def test_a_template_goes_through_a_pipe() -> None:
    template = run_guestagent("cluster", "template", "-", stdin=SMALL)
    checked = run_guestagent("cluster", "lint", "-", stdin=template.stdout)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_full_disk_under_the_answer_is_no_bug() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        ended = run_guestagent("cluster", "template", "-", stdin=SMALL, out=full)
    finally:
        os.close(full)

    assert ended.returncode == 8
    assert ended.stderr == "guestagent: the output cannot be written: No space left on device\n"


def test_a_reader_that_has_gone_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = run_guestagent("cluster", "template", "-", stdin=SMALL, out=writer)
    finally:
        os.close(writer)

    assert (ended.returncode, ended.stderr) == (0, "")
