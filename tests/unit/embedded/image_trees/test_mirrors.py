"""A build uses the mirrors that apt has, and the image does not name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.image_trees.mirrors import (
    Mirrors,
    parse_mirrors,
    replace_mirrors,
    write_public_mirrors,
)
from tests.support.text_file import write_text_file

TARGETS = """\
http://mirror.example/debian/ bookworm main
http://mirror.example/debian/ bookworm-updates main
http://security.example/debian-security/ bookworm-security main
https://packages.example/ nodistro main
"""


@pytest.mark.parametrize(
    ("targets", "release", "expected"),
    [
        (
            TARGETS,
            "bookworm",
            Mirrors("http://mirror.example/debian", "http://security.example/debian-security"),
        ),
        (
            TARGETS,
            "trixie",
            Mirrors("http://mirror.example/debian", "http://security.example/debian-security"),
        ),
        ("", "trixie", Mirrors("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")),
        (
            "file:/srv/debian/ trixie main\n",
            "trixie",
            Mirrors("http://deb.debian.org/debian", "http://deb.debian.org/debian-security"),
        ),
    ],
)
def test_a_build_uses_the_mirrors_of_apt(targets: str, release: str, expected: Mirrors) -> None:
    assert parse_mirrors(targets, release) == expected


MIRRORS = Mirrors("http://mirror.example/debian", "http://mirror.example/debian-security")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("deb http://mirror.example/debian trixie main", "deb http://deb.debian.org/debian trixie main"),
        ("deb http://mirror.example/debian/ trixie main", "deb http://deb.debian.org/debian trixie main"),
        (
            "deb http://mirror.example/debian-security trixie-security main\n",
            "deb http://deb.debian.org/debian-security trixie-security main\n",
        ),
        ("deb https://vendor.example/apt trixie main", "deb https://vendor.example/apt trixie main"),
    ],
)
def test_an_image_names_the_public_mirrors(line: str, expected: str) -> None:
    assert replace_mirrors(line, MIRRORS) == expected


def test_every_sources_file_of_an_image_names_the_public_mirrors(tmp_path: Path) -> None:
    sources = write_text_file(
        tmp_path / "etc/apt/sources.list.d/sid.list", "deb http://mirror.example/debian sid main\n"
    )

    write_public_mirrors(tmp_path, MIRRORS)

    assert sources.read_text() == "deb http://deb.debian.org/debian sid main\n"
