"""`guestagent cloud up --image`: what is rejected before anything starts, and which hypervisor is built."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.cli.command_line import main
from guestagent.embedded.containers import ContainerHypervisor
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.process.daemon import build_guest_hypervisor
from guestagent.embedded.process.state_file import CloudOptions
from tests.support.image_trees import IMAGE_PROGRAMS, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree", *IMAGE_PROGRAMS, "usr/sbin/mariadbd")


@pytest.fixture
def options(tmp_path: Path) -> CloudOptions:
    return CloudOptions("none", tmp_path / "state", tmp_path / "clouds.yaml", IPv4Network("10.77.0.0/24"))


def test_a_folder_that_is_no_image_is_rejected_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["cloud", "up", "--name", "none", "--state", f"{tmp_path}/state", "--image", str(tmp_path)])

    error = capsys.readouterr().err
    assert code == 2
    assert error.startswith("guestagent: --image: expected the unpacked tree of an image")
    assert error.count("\n") == 1


def test_an_image_without_guests_is_rejected(
    tmp_path: Path, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--name", "none", "--state", str(tmp_path / "state"), "--image", str(tree)]

    code = main(["cloud", "up", "--no-guests", *words])

    assert (code, "--image: expected nothing with --no-guests" in capsys.readouterr().err) == (2, True)


def test_guests_are_containers_with_an_image_and_namespaces_without(
    options: CloudOptions, tree: Path
) -> None:
    assert isinstance(build_guest_hypervisor(replace(options, image_tree=tree)), ContainerHypervisor)
    assert isinstance(build_guest_hypervisor(options), NamespaceHypervisor)
