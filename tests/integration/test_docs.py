"""Every command and program that the documentation shows is run, page by page, and prints what the page says.

`tests/support/page_commands.py` says how a page shows them. A page is one shell in a folder of its own: what an earlier
block made, a later one finds. Its clouds have their usual names, folders and addresses, and are out of the way of this
machine's. The `python` blocks of a page are one program, for which there is a cloud `mycloud`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from guestagent.embedded import serving
from tests.support.page_commands import ShownCommand, read_commands, read_program
from tests.support.signalling_guests import SignallingHypervisor

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MARK = "--- command {} ---"
# A network, processes and clouds of the page's own, all of which end with its shell.
APART = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-ec")
PREPARE = """
ip link set lo up
mkdir -p /var/lib/guestagent-cloud /run/netns
mount --bind "$0" /var/lib/guestagent-cloud
mount -t tmpfs tmpfs /run/netns
"$@"
"""


def script(shown: list[ShownCommand]) -> str:
    return "".join(f"echo '{MARK.format(number)}'\n{one.command}\n" for number, one in enumerate(shown))


def program(page: Path) -> str:
    return read_program(page.read_text())


def pages_with_commands() -> list[Path]:
    return [page for page in PAGES if any(read_commands(page.read_text()))]


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], str]:
    """Runs a script in a folder and home of its own, and gives what it printed. No process of it stays."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path), "COLUMNS": "120"}
    clouds = tmp_path.with_name(f"{tmp_path.name}-clouds")
    clouds.mkdir()

    def run(text: str) -> str:
        ran = subprocess.run(
            [*APART, PREPARE, str(clouds), "bash", "-euo", "pipefail", "-c", text],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    return run


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", pages_with_commands(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_keeps_its_word(page: Path, shell: Callable[[str], str]) -> None:
    shown = list(read_commands(page.read_text()))

    said = shell(script(shown))

    answers = re.split(MARK.format(r"\d+") + "\n", said)[1:]
    broken = [one for one, answer in zip(shown, answers, strict=True) if not one.matches(answer)]
    assert broken == [], said


@pytest.mark.parametrize(
    "page", [page for page in PAGES if program(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_program_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    with serving(SignallingHypervisor()) as cloud:
        clouds = {"clouds": {"mycloud": dict(cloud.connect)}}
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(clouds))
        environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": "clouds.yaml"}

        ran = subprocess.run(
            [sys.executable, "-c", program(page)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

        assert ran.returncode == 0, ran.stdout
        assert cloud.dangerous_reads == []


def test_the_programs_of_the_pages_are_typed_from_outside(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    for page in filter(program, PAGES):
        (tmp_path / f"{page.stem.replace('-', '_').lower()}.py").write_text(program(page))

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ROOT / ".cache/mypy-pages", "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout
