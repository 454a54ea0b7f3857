"""Commands of root, run by another user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.errors import UnsupportedEnvironment

NOBODY = 65534
PASSAGE = stat.S_IXGRP | stat.S_IXOTH
RUN_AS_NOBODY = f"""\
import os, sys
from guestagent.cli import (
    accept_source, agent, cloud, command_line, denied_access, doctor, error_report, options, output, pause, volume
)
from guestagent.agent import settings, status, wiring, freshness, doctor as examination, dry_run, signal_status
from guestagent.embedded.process import client
from guestagent import volume as data_volume
os.setgroups([])
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
sys.exit(command_line.main(sys.argv[1:]))
"""
"""The modules are imported first: the folder of this Python may be root's alone."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.mark.parametrize(
    "command",
    [
        *("status --config {config}", "doctor --config {config}", "plan --config {config}"),
        *("cloud status --state {folder}", "cloud ssh Master0000 --state {folder}"),
        *("cloud up --no-guests --state {folder}/one/two --clouds-file {folder}/clouds.yaml",),
    ],
)
def test_a_command_that_may_not_read_roots_files_has_one_code_and_sentence(
    command: str, tmp_path: Path
) -> None:
    folder = tmp_path / "root"
    folder.mkdir(mode=0o700)
    for name in ("journal.json", "status.json", "document.json", "cloud.json"):
        (folder / name).write_text("{}")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:  # another user has to come as far as the folder, wherever the tests run
        mode = stat.S_IMODE(parent.stat().st_mode)
        if mode | PASSAGE != mode:
            parent.chmod(mode | PASSAGE)
    config = tmp_path / "guestagent.conf"
    config.write_text(f"[DEFAULT]\nstate = {folder}\nrun = {tmp_path}\n")
    config.chmod(0o644)
    words = command.format(config=config, folder=folder).split()

    result = subprocess.run(
        [sys.executable, "-c", RUN_AS_NOBODY, *words], capture_output=True, text=True, timeout=50
    )

    assert result.returncode == UnsupportedEnvironment.exit_code, result
    sentence = f"guestagent: `guestagent {words[0]}` needs root here: run it as root ("
    assert result.stderr.startswith(sentence), result
    assert len(result.stderr.splitlines()) == 1
