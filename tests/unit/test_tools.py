from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [ROOT / "tools/set-up", ROOT / "tools/check", ROOT / ".ci/run"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_gate_has_its_own_exit_code_for_an_unsuitable_machine() -> None:
    nobody = 65534 if os.getuid() == 0 else None
    script = (ROOT / "tools/check").read_text()  # the checkout may lie where nobody else can read it

    ran = subprocess.run(
        ["bash", "-s", "integration"], input=script, cwd="/", user=nobody, capture_output=True, text=True
    )

    assert ran.returncode == 77
    assert ran.stderr == "check: the integration tests need root, for network namespaces and mounts\n"
