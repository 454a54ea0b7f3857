"""The modules that a guest's commands import: its image contains no others, and every import costs time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CONTROLLERS = {"openstack", "keystoneauth1", "oslo_messaging", "rich", "starlette", "uvicorn", "supervisor"}

SOURCE = """\
ReadyWaitCondition: http://heat.example/handle
Users:
  - {name: slave0000, password: not-a-secret}
"""


def list_modules(*words: str | Path) -> set[str]:
    """The packages that a run of the command line has imported at its end."""
    guestagent = [sys.executable, "-X", "importtime", "-m", "guestagent", *map(str, words)]
    ran = subprocess.run(guestagent, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    lines = (line for line in ran.stderr.splitlines() if line.startswith("import time:"))
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


def test_a_dry_run_needs_no_package_of_the_controllers(tmp_path: Path) -> None:
    document = tmp_path / "source.yaml"
    document.write_text(SOURCE)

    imported = list_modules("plan", "--metadata", document, "--offline")

    assert not imported & CONTROLLERS


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["elements-path"]])
def test_no_command_of_a_guest_imports_the_controllers_packages(words: list[str]) -> None:
    assert not list_modules(*words) & CONTROLLERS
