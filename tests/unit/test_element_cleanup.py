"""What the end of a build removes from the tree, run on a tree of the test's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from guestagent.package_data import find_package_data

CLEANUP = find_package_data("elements") / "guestagent/cleanup.d/90-guestagent"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("etc/dib-manifests/dib_environment", "etc/resolv.conf.ORIG", "var/lib/systemd/random-seed"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text("of the build machine\n")
    return tmp_path / "tree"


def clean(tree: Path, tmp_path: Path, **settings: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (programs / "sudo").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "TARGET_ROOT": str(tree),
        **settings,
    }
    subprocess.run([CLEANUP], env=environment, check=True, stdout=subprocess.DEVNULL)


def test_a_tree_keeps_no_identity(tree: Path, tmp_path: Path) -> None:
    clean(tree, tmp_path)

    assert (tree / "etc/machine-id").read_text() == "uninitialized\n"
    assert not (tree / "var/lib/systemd/random-seed").exists()


@pytest.mark.parametrize("folder", ["/etc/dib-manifests", "/usr/share/build"])
def test_a_tree_keeps_no_command_line_of_the_build(tree: Path, tmp_path: Path, folder: str) -> None:
    (tree / "etc/dib-manifests").rename(tree / "etc/before")
    (tree / folder[1:]).parent.mkdir(parents=True, exist_ok=True)
    (tree / "etc/before").rename(tree / folder[1:])

    clean(tree, tmp_path, DIB_MANIFEST_IMAGE_DIR=folder)

    assert not (tree / folder[1:]).exists()


def test_a_tree_keeps_no_resolver_of_the_build_machine(tree: Path, tmp_path: Path) -> None:
    clean(tree, tmp_path)

    assert (tree / "etc/resolv.conf.ORIG").read_text() == ""


def test_a_tree_with_systemd_resolved_takes_its_resolver(tree: Path, tmp_path: Path) -> None:
    (tree / "lib/systemd").mkdir(parents=True)
    (tree / "lib/systemd/systemd-resolved").touch()

    clean(tree, tmp_path)

    assert (tree / "etc/resolv.conf.ORIG").readlink() == Path("../run/systemd/resolve/stub-resolv.conf")
