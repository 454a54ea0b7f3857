#!/usr/bin/env python3
"""Run the unit tests against the lowest versions that pyproject.toml admits, in a venv of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-lowest"
BOUND = re.compile(r'"(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9.]+)"')


def main() -> int:
    """Make the venv, run pytest in it, give its exit code."""
    constraints = VENV / "constraints.txt"
    subprocess.run([oldest_python(), "-m", "venv", "--clear", VENV], check=True)
    constraints.write_text("".join(f"{line}\n" for line in lowest((ROOT / "pyproject.toml").read_text())))
    pip = f"{VENV}/bin/pip"
    subprocess.run([pip, "install", "-qq", "-c", constraints, "--editable", f"{ROOT}[test]"], check=True)
    return subprocess.run([VENV / "bin/pytest", "tests/unit", "-n", "2"], cwd=ROOT, check=False).returncode


def lowest(pyproject: str) -> list[str]:
    """Every `name>=version` of the dependencies and extras as `name==version`."""
    dependencies = pyproject[pyproject.index("\ndependencies = ") :]
    return [f"{found['name']}=={found['version']}" for found in BOUND.finditer(dependencies)]


def oldest_python() -> str:
    """The oldest interpreter here that we support."""
    for name in ("python3.10", "python3.11", "python3.12"):
        path = shutil.which(name)
        if path and not subprocess.run([path, "-c", "import ensurepip"], capture_output=True).returncode:
            return path
    return sys.executable


if __name__ == "__main__":
    sys.exit(main())
