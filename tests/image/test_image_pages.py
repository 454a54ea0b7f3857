"""The commands of the documentation that need an image, or a node of one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Cluster, Node
from guestagent.embedded.containers import ImageTree, open_image_tree
from guestagent.embedded.guests.namespace_processes import find_init
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.image_trees import MARIADB_RECIPE, provide_tree
from guestagent.errors import UnsupportedEnvironment
from tests.support.image_cloud import ImageCloud, open_image_cloud
from tests.support.page_commands import ShownCommand, read_commands_left_to
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
IMAGE_PAGE = (ROOT / "docs/how-to/image.md").read_text()
CONTENT_PAGE = (ROOT / "docs/explanation/image.md").read_text()
UPGRADE_PAGE = (ROOT / "docs/how-to/upgrade.md").read_text()
THIS_FILE = "tests/image/test_image_pages.py"
READY_TIMEOUT_S = 60.0


def run_on_this_machine(commands: list[str], folder: Path) -> str:
    """Run these commands as one script, as a reader with the CLI in a virtual environment does."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def read_script(page: str, heading: str) -> list[str]:
    return [shown.command for shown in read_commands_left_to(page, THIS_FILE, heading)]


@pytest.mark.parametrize(
    "shown",
    read_commands_left_to(IMAGE_PAGE, THIS_FILE, "## Check an image"),
    ids=lambda shown: shown.command,
)
def test_a_check_of_an_image_prints_the_documented_output(
    tmp_path: Path, tree: ImageTree, shown: ShownCommand
) -> None:
    (tmp_path / "db").symlink_to(tree.folder)

    output = run_on_this_machine([shown.command], tmp_path)

    assert output.strip() == shown.output.strip()


def list_documented_paths() -> list[list[str]]:
    """Return the paths of each row of the table of files. A row may name those of several images."""
    _, _, section = CONTENT_PAGE.partition("\n## Files\n")
    cells = re.findall(r"^\| ([^|]*`/[^|]*) \|", section.partition("\n## ")[0], re.MULTILINE)
    return [re.findall(r"`(/[^`]+)`", cell) for cell in cells]


def test_the_table_of_files_is_read() -> None:
    assert len(list_documented_paths()) > 5


@pytest.mark.parametrize("paths", list_documented_paths(), ids=" ".join)
def test_a_documented_file_is_in_the_image(tree: ImageTree, paths: list[str]) -> None:
    found = [path for path in paths if has_file(tree.folder, path.removeprefix("/"))]

    assert found != []


def has_file(tree: Path, pattern: str) -> bool:
    """Return whether the tree has such a file, or a link, which leads out of the tree if it is absolute."""
    return (tree / pattern).is_symlink() or any(tree.glob(pattern))


@pytest.fixture
def node(tmp_path: Path, free_subnet: IPv4Network) -> Iterator[ReadyNode]:
    """A source that is ready, of the image with MariaDB."""
    try:
        tree = open_image_tree(provide_tree(MARIADB_RECIPE, print))
    except UnsupportedEnvironment as lack:
        pytest.skip(str(lack))
    source = Node(flavor="m1.tiny", image="guestagent-mariadb")
    with open_image_cloud(free_subnet, tmp_path / "state", tree) as cloud:
        cloud.create("prod", Cluster.new(source=source, replicas=[], polling_interval=3))
        yield ReadyNode(cloud, cloud.find_guest("Master0000"))


class ReadyNode:
    """A node of a cluster, in which an operator works as root."""

    def __init__(self, cloud: ImageCloud, guest: str) -> None:
        self._cloud, self._guest = cloud, guest

    def copy_to_home(self, file: Path) -> None:
        init = find_init(build_link_names(self._cloud.bridge, self._guest).namespace)
        shutil.copy(file, f"/proc/{init}/root/root/")

    def run(self, *words: str) -> str:
        answer = self._cloud.hypervisor.run_command(self._guest, words)
        assert answer.returncode == 0, answer
        return answer.stdout.strip()

    def run_script(self, commands: list[str]) -> None:
        self.run("bash", "-euo", "pipefail", "-c", "\n".join(commands))

    def has_file(self, path: str) -> bool:
        return self._cloud.hypervisor.run_command(self._guest, ("test", "-e", path)).returncode == 0

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            return self._cloud.hypervisor.run_command(self._guest, ("guestagent", "status")).returncode == 0

        wait_until(is_ready, READY_TIMEOUT_S)


@pytest.mark.patient
def test_the_commands_of_the_page_upgrade_an_agent_and_go_back(tmp_path: Path, node: ReadyNode) -> None:
    """The former version is this one with a file of its own, by which it is recognized."""
    (tmp_path / "checkout").symlink_to(ROOT)
    run_on_this_machine(read_script(UPGRADE_PAGE, "### Pack the new version"), tmp_path)
    node.copy_to_home(tmp_path / "upgrade.tar.gz")
    node.run("touch", "/opt/guestagent/former-version")

    node.run_script(read_script(UPGRADE_PAGE, "### Replace the agent"))

    node.wait_until_ready()
    assert not node.has_file("/opt/guestagent/former-version")

    node.run_script(read_script(UPGRADE_PAGE, "### Go back"))

    node.wait_until_ready()
    assert node.has_file("/opt/guestagent/former-version")
    assert node.run("systemctl", "is-system-running") == "running"
