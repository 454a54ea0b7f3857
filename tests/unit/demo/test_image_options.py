"""`guestagent demo --image`: which environment it plays in, and what is rejected before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.cli.command_line import main
from guestagent.cli.demo import run_and_clean_up
from guestagent.demo import ImageEnvironment, play
from guestagent.demo.fake import FakeDemoEnvironment
from guestagent.embedded.host.ip_network import parse_network
from guestagent.embedded.process.state_file import CloudOptions
from guestagent.errors import InvalidInput
from tests.support.image_trees import IMAGE_PROGRAMS, make_tree


def build_options(folder: Path) -> CloudOptions:
    return CloudOptions("none", folder / "state", folder / "clouds.yaml", parse_network("10.77.0.0/24"))


@pytest.mark.parametrize(
    ("server", "image"), [("mariadbd", "guestagent-mariadb"), ("mysqld", "guestagent-mysql")]
)
def test_the_nodes_have_the_server_of_the_tree(tmp_path: Path, server: str, image: str) -> None:
    tree = make_tree(tmp_path / "tree", *IMAGE_PROGRAMS, f"usr/sbin/{server}")

    environment = ImageEnvironment(build_options(tmp_path), tree)

    assert (environment.image, environment.options.image_tree) == (image, tree)
    assert str(tree) in environment.nodes_description


def test_a_tree_is_not_built_again(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", *IMAGE_PROGRAMS, "usr/sbin/mariadbd")
    environment, reports = ImageEnvironment(build_options(tmp_path), tree), list[str]()

    environment.prepare_image(reports.append)

    assert (environment.options.image_tree, reports) == (tree, [])


def test_a_folder_that_is_no_tree_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the unpacked tree of an image"):
        ImageEnvironment(build_options(tmp_path), tmp_path)


def test_a_database_server_beside_an_image_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["demo", "--db", "mysql", "--image"])

    assert (code, "--db: expected none with --image" in capsys.readouterr().err) == (2, True)


def test_the_demo_describes_its_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    environment = FakeDemoEnvironment()

    run_and_clean_up(environment, False, environment.clock, play)

    assert "starting a cloud on this machine: its nodes are fakes" in capsys.readouterr().err
