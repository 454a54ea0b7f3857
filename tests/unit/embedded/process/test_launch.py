"""The daemon of the embedded cloud is started in `/`, whatever is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.embedded.process.launch import build_environment


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 always looks into the current folder")
def test_a_folder_of_the_packages_name_does_not_stand_in_for_it(tmp_path: Path) -> None:
    (tmp_path / "guestagent").mkdir()
    (tmp_path / "guestagent/__init__.py").write_text("")

    completed = subprocess.run(
        [sys.executable, "-m", "guestagent", "--version"], cwd=tmp_path, env=build_environment(), text=True
    )

    assert completed.returncode == 0
