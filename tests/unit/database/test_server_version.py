"""Versions of servers."""

from __future__ import annotations

import pytest

from guestagent.database.server_version import parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("10.11.19-MariaDB-0+deb12u1-log", (10, 11, 19)),
        ("8.0.42-0ubuntu0.24.04.2", (8, 0, 42)),
        ("9.7", (9, 7, 0)),
        ("MariaDB from the future", ()),
        ("", ()),
    ],
)
def test_a_version_is_its_leading_numbers(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version
