"""The limit of what a command reads: a device may never end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guestagent.agent.settings import load_settings
from guestagent.agent.wakeup_pipe import PIPE_FOLDER, find_folder
from guestagent.cli.command_line import main
from guestagent.cli.input_file import read_input
from guestagent.cli.password_file import read_password_file
from guestagent.controller.cluster_file import parse_cluster_file
from guestagent.errors import InvalidInput
from guestagent.limited_read import INPUT_SIZE_LIMIT

ENDLESS = Path("/dev/zero")
READERS: tuple[Callable[[], object], ...] = (
    lambda: read_input(str(ENDLESS)),
    lambda: load_settings(ENDLESS),
    lambda: read_password_file(ENDLESS),
)


@pytest.mark.parametrize("read", READERS, ids=["input", "settings", "passwords"])
def test_an_endless_file_is_rejected_with_the_limit(read: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput, match="16 MiB"):
        read()


@pytest.mark.parametrize(
    "words", [["validate", str(ENDLESS)], ["plan", "--config", str(ENDLESS)]], ids=lambda words: str(words[0])
)
def test_a_command_ends_with_one_message(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == InvalidInput.exit_code

    assert capsys.readouterr().err.count("16 MiB") == 1


def test_a_text_of_the_limits_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (INPUT_SIZE_LIMIT - 2) + b"\r\n")

    assert read_input(str(path))[0].endswith("#\n")


def test_the_pipe_is_searched_for_in_the_beginning_of_a_configuration_only() -> None:
    assert find_folder(str(ENDLESS)) == PIPE_FOLDER


def test_an_endless_file_of_certificates_is_a_problem_of_the_cluster() -> None:
    text = f"network: {{name: n, subnet: s}}\ntls: {{ca: {ENDLESS}}}\n"

    with pytest.raises(InvalidInput, match=r"/dev/zero: more than 16 MiB"):
        parse_cluster_file(text)
