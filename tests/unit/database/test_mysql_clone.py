"""The statement of CLONE, the diagnoses of its errors, and what both servers must have in common."""

from __future__ import annotations

import pytest

from guestagent.database.error_diagnosis import FailureKind
from guestagent.database.mysql.clone import CloneSource, build_clone_statement
from guestagent.database.mysql.clone_diagnosis import diagnose_clone_error
from guestagent.database.mysql.clone_requirements import find_clone_obstacles
from guestagent.database.mysql.clone_state import CloneProgress
from guestagent.database.state import ServerError, TlsOptions
from guestagent.secret import Secret

SOURCE = CloneSource(
    "10.0.0.7", 3306, "donor0001", Secret("it's 4711"), TlsOptions(is_enabled=True, ca="/d/ca.pem"), 8
)
SERVER = {
    "version": "9.7.4-2",
    "server_uuid": "u1",
    "performance_schema": "ON",
    "version_compile_os": "Linux",
    "version_compile_machine": "x86_64",
    "innodb_page_size": "16384",
    "lower_case_table_names": "0",
}


def test_the_statement_masks_the_password() -> None:
    statement = build_clone_statement(SOURCE)

    assert (
        str(statement)
        == "CLONE INSTANCE FROM 'donor0001'@'10.0.0.7':3306 IDENTIFIED BY '********' REQUIRE SSL"
    )
    assert "'it''s 4711'" in statement.reveal()


def test_the_statement_names_the_new_directory() -> None:
    assert str(build_clone_statement(SOURCE, "/var/lib/new/data")).endswith(
        "DATA DIRECTORY = '/var/lib/new/data' REQUIRE SSL"
    )


def test_the_settings_admit_this_donor_alone_and_do_not_compress() -> None:
    assert SOURCE.settings == {
        "clone_valid_donor_list": "10.0.0.7:3306",
        "clone_ssl_ca": "/d/ca.pem",
        "clone_ssl_cert": "",
        "clone_ssl_key": "",
        "clone_max_data_bandwidth": "8",
        "clone_enable_compression": "OFF",
    }


@pytest.mark.parametrize(
    ("stage", "moves_bytes"),
    [("FILE COPY", True), ("REDO COPY", True), ("FILE SYNC", False), ("DROP DATA", False)],
)
def test_some_stages_have_no_bytes(stage: str, moves_bytes: bool) -> None:
    assert CloneProgress(0, 100, stage).moves_bytes is moves_bytes


@pytest.mark.parametrize(
    ("number", "text", "kind", "meaning"),
    [
        (3862, "Clone Donor Error: Connect failed: 1045 : Access denied for user.", "retry", "a wrong password"),
        (3862, "Clone Donor Error: Connect failed: 2003 : Can't connect (111).", "retry", "nothing listens there"),
        (3862, "Clone Donor Error: Connect failed: 2026 : SSL: certificate verify failed.", "retry", "certificate"),
        (1525, "Incorrect file path value: '/far/shop/far.ibd'", "fail", "in a folder that this server does not use"),
        (1815, "Internal error: Innodb Clone Apply Failed to Encrypt Key", "fail", "has no keyring"),
        (3862, "Clone Donor Error: 1227 : Access denied; you need the BACKUP_ADMIN", "retry", "lacks BACKUP_ADMIN"),
        (3862, "Clone Donor Error: 1524 : Plugin 'clone' is not loaded.", "retry", "not loaded the clone plugin"),
        (3862, "Clone Donor Error: 1815 : could not find existing clone", "retry", "was restarted"),
        (3862, "Clone Donor Error: 3634 : Too many concurrent clone operations.", "retry", "another replica"),
        (3862, "Clone Donor Error: 3957 : Clone needs max_allowed_packet.", "fail", "of the source is too small"),
        (3862, "Clone Donor Error: something new", "retry", ""),
        (3864, "Clone Donor MySQL version: 9.7.4 is different", "fail", "of different kinds"),
        (3868, "Clone Configuration innodb_page_size", "fail", "different settings"),
        (3870, "Clone Donor plugin x is not active in Recipient.", "fail", "does not have"),
        (3872, "Clone needs SSL connection for encrypted table.", "fail", "over TLS"),
        (3873, "Clone estimated database size", "fail", "the disk is full"),
        (3632, "Path is within the current data directory", "fail", "a file system of its own"),
        (3634, "Too many concurrent clone operations", "retry", "another CLONE"),
        (1006, "Can't create database '/x/' (errno: 13 - Permission denied)", "fail", "may not write beside"),
        (1317, "Query execution was interrupted", "retry", "interrupted"),
        (1227, "Access denied; you need CLONE_ADMIN", "fail", "lacks a privilege"),
        (1105, "anything else", "retry", ""),
    ],
)  # fmt: skip
def test_errors_are_diagnosed(number: int, text: str, kind: str, meaning: str) -> None:
    diagnosis = diagnose_clone_error(ServerError(number, text))

    assert diagnosis.kind is FailureKind(kind)
    assert meaning in diagnosis.meaning
    assert bool(diagnosis.meaning) is bool(meaning)


def test_equal_servers_can_be_cloned() -> None:
    assert find_clone_obstacles(SERVER, SERVER | {"server_uuid": "u2"}) == ()


@pytest.mark.parametrize(
    ("there", "here", "is_compatible"),
    [
        ("9.7.4", "9.7.2-log", True),
        ("8.4.1", "9.7.4", False),
        ("8.0.37", "8.0.40", True),
        ("8.0.36", "8.0.40", False),
        ("8.0.35", "8.0.35", True),
    ],
)
def test_versions_of_one_series_can_be_cloned(there: str, here: str, is_compatible: bool) -> None:
    obstacles = find_clone_obstacles(
        SERVER | {"version": there}, SERVER | {"version": here, "server_uuid": "u2"}
    )

    assert (obstacles == ()) is is_compatible


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"server_uuid": "u1"}, "the source is this server itself"),
        ({"lower_case_table_names": "1"}, "lower_case_table_names 0 there, 1 here"),
        ({"innodb_directories": "/far"}, "innodb_directories None there, /far here"),
        ({"innodb_page_size": "4096"}, "innodb_page_size 16384 there, 4096 here"),
        ({"performance_schema": "OFF"}, "performance_schema is OFF here"),
    ],
)
def test_each_obstacle_is_named(change: dict[str, str], obstacle: str) -> None:
    (found,) = find_clone_obstacles(SERVER, SERVER | {"server_uuid": "u2"} | change)

    assert obstacle in found
