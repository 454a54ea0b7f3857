"""Detecting the family of a server from its variables."""

from __future__ import annotations

import pytest

from guestagent.database.detect import FAMILIES, choose_family
from guestagent.errors import DatabaseUnsupported


@pytest.mark.parametrize("version", ["10.6.1-MariaDB", "10.11.19-MariaDB-0+deb12u1-log", "11.8.6-MariaDB-2"])
def test_a_maintained_mariadb_is_supported(version: str) -> None:
    assert choose_family({"version": version, "version_comment": "Debian 12"}) is FAMILIES["mariadb"]


@pytest.mark.parametrize(
    ("version", "comment"),
    [
        ("8.0.23", "MySQL Community Server - GPL"),
        ("8.0.42-0ubuntu0.24.04.2", "(Ubuntu)"),
        ("8.4.6", "MySQL Enterprise Server - Commercial"),
        ("9.7.4-2", "(Debian)"),
        ("10.0.0", "Source distribution"),
    ],
)
def test_a_mysql_with_the_newer_terms_is_supported(version: str, comment: str) -> None:
    assert choose_family({"version": version, "version_comment": comment}) is FAMILIES["mysql"]


@pytest.mark.parametrize("wsrep", ["OFF", ""])
def test_a_mariadb_without_an_active_galera_is_supported(wsrep: str) -> None:
    assert choose_family({"version": "10.11.1-MariaDB", "wsrep_on": wsrep}) is FAMILIES["mariadb"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"version": "8.0.36-28", "version_comment": "Percona Server (GPL), Release 28"}, "Percona"),
        ({"version": "8.0.36-28.1", "version_comment": "Percona XtraDB Cluster", "wsrep_on": "ON"}, "Galera"),
        ({"version": "8.0.11-TiDB-v8.5.0"}, "TiDB"),
        ({"version": "8.0.36-cluster", "version_comment": "MySQL Cluster Community Server"}, "NDB"),
        (
            {"version": "9.7.4", "group_replication_group_name": "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"},
            "group",
        ),
        ({"version": "8.0.22"}, "too old: 8.0.23"),
        ({"version": "5.7.44-log", "version_comment": "MySQL Community Server (GPL)"}, "too old: 8.0.23"),
        ({"version": "10.5.29-MariaDB"}, "too old: 10.6"),
        ({"version": "10.11.19-MariaDB", "wsrep_on": "ON"}, "Galera"),
        ({"version": "MariaDB from the future"}, "too old"),
        ({}, "unknown is too old"),
    ],
)
def test_any_other_server_is_rejected_with_the_reason(variables: dict[str, str], reason: str) -> None:
    with pytest.raises(DatabaseUnsupported, match=reason):
        choose_family(variables)
