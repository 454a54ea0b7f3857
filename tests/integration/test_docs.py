"""Runs every command and program of the documentation, page by page, and compares its output with the page.

`tests/support/page_commands.py` describes how a page shows them. A page is one shell in its own folder: later blocks
see what earlier ones created. Clouds use their usual names, folders and addresses but are isolated from this machine's.
The `python` blocks of a page are one program, for which there is a cloud `mycloud`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from guestagent.embedded import serving
from tests.support.page_commands import build_script, find_mismatches, read_commands, read_program
from tests.support.signalling_guests import SignallingHypervisor

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# The page has its own network, processes and clouds, all of which end with its shell.
ISOLATION_COMMAND = (
    "unshare",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--",
    "sh",
    "-ec",
)
SETUP_SCRIPT = """
ip link set lo up
mkdir -p /var/lib/guestagent-cloud /run/netns
mount --bind "$0" /var/lib/guestagent-cloud
mount -t tmpfs tmpfs /run/netns
"$@"
"""


def read_page_program(page: Path) -> str:
    return read_program(page.read_text())


def list_pages_with_commands() -> list[Path]:
    return [page for page in PAGES if any(read_commands(page.read_text()))]


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[[str], str]:
    """Run a script in its own folder and home directory, return its output, and leave no process behind."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path), "COLUMNS": "120"}
    clouds = tmp_path.with_name(f"{tmp_path.name}-clouds")
    clouds.mkdir()

    def run(script: str) -> str:
        result = subprocess.run(
            [*ISOLATION_COMMAND, SETUP_SCRIPT, str(clouds), "bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    return run


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", list_pages_with_commands(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_a_page_print_the_documented_output(page: Path, run_script: Callable[[str], str]) -> None:
    documented_commands = list(read_commands(page.read_text()))

    output = run_script(build_script(documented_commands))

    mismatches = find_mismatches(documented_commands, output)
    assert mismatches == [], output


@pytest.mark.parametrize(
    "page", [page for page in PAGES if read_page_program(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_program_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    with serving(SignallingHypervisor()) as cloud:
        clouds = {"clouds": {"mycloud": dict(cloud.connect)}}
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(clouds))
        environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": "clouds.yaml"}

        result = subprocess.run(
            [sys.executable, "-c", read_page_program(page)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

        assert result.returncode == 0, result.stdout
        assert cloud.dangerous_reads == []


def test_programs_on_pages_pass_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    for page in filter(read_page_program, PAGES):
        (tmp_path / f"{page.stem.replace('-', '_').lower()}.py").write_text(read_page_program(page))

    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ROOT / ".cache/mypy-pages", "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert result.returncode == 0, result.stdout
