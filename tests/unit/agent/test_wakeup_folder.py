"""The early ring goes where the agent listens, whatever folder its configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.agent import wakeup_pipe
from guestagent.agent.settings import load_settings


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", wakeup_pipe.PIPE_FOLDER),
        ("[DEFAULT]\nrun = /run/other\n", "/run/other"),
        ("[DEFAULT]\nrun: /run/other\n", "/run/other"),
        ("[DEFAULT]\nrun=/run/one\nrun = /run/other\n", "/run/other"),
        ("# run = /x\n[database]\nrun = /x\n", wakeup_pipe.PIPE_FOLDER),
        ("[DEFAULT]\nstate = /x\nrun = $state/run\n", ""),
        ("[DEFAULT]\nrun = 'quoted'\n", ""),
        ("[DEFAULT]\nrun = relative\n", ""),
    ],
)
def test_the_folder_is_read_from_a_simple_file_only(tmp_path: Path, text: str, folder: str) -> None:
    file = tmp_path / "guestagent.conf"
    file.write_text(text)

    found = wakeup_pipe.find_folder(str(file))

    assert found == folder
    assert found in ("", str(load_settings(file).run_folder))


def test_the_default_folder_needs_no_file(tmp_path: Path) -> None:
    assert wakeup_pipe.find_folder(str(tmp_path / "none")) == wakeup_pipe.PIPE_FOLDER


def test_an_unreadable_file_gives_no_folder(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")

    assert [wakeup_pipe.find_folder(str(path)) for path in (tmp_path, tmp_path / "binary")] == ["", ""]
