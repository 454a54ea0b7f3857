"""Who may be kept, told from a server's own variables."""

from __future__ import annotations

import pytest

from guestagent.database.open import unsupported


@pytest.mark.parametrize("version", ["10.6.1-MariaDB", "10.11.19-MariaDB-0+deb12u1-log", "11.8.6-MariaDB-2"])
def test_a_maintained_mariadb_is_ours(version: str) -> None:
    assert unsupported({"version": version, "version_comment": "Debian 12"}) == ""


@pytest.mark.parametrize("wsrep", ["OFF", ""])
def test_a_mariadb_that_could_be_galera_and_is_not_is_ours(wsrep: str) -> None:
    assert unsupported({"version": "10.11.1-MariaDB", "wsrep_on": wsrep}) == ""


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"version": "9.7.4", "version_comment": "MySQL Community Server - GPL"}, "no MariaDB (9.7.4)"),
        ({"version": "8.0.36-28", "version_comment": "Percona Server"}, "no MariaDB"),
        ({"version": "10.5.29-MariaDB"}, "too old: 10.6"),
        ({"version": "10.11.19-MariaDB", "wsrep_on": "ON"}, "Galera"),
        ({"version": "MariaDB from the future"}, "too old"),
        ({}, "no MariaDB (unknown)"),
    ],
)
def test_anything_else_is_told_why_not(seen: dict[str, str], why: str) -> None:
    assert why in unsupported(seen)
