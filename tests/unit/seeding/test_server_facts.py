"""Whether the files of a source work at a replica."""

from __future__ import annotations

import pytest

from guestagent.errors import SeedError
from guestagent.seeding.server_facts import build_facts, check_facts, check_folders
from guestagent.seeding.stream_messages import ServerFacts

SETTINGS = {"innodb_page_size": "16384", "innodb_data_file_path": "ibdata1:12M:autoextend"}
REPLICA = ServerFacts("10.11.6-MariaDB-0+deb12u1", SETTINGS)


@pytest.mark.parametrize("version", ["10.11.6-MariaDB", "10.11.5-MariaDB-log"])
def test_a_source_of_the_same_series_that_is_no_newer_fits(version: str) -> None:
    check_facts(ServerFacts(version, SETTINGS), REPLICA)


@pytest.mark.parametrize("version", ["10.11.7-MariaDB", "10.6.20-MariaDB", "11.8.6-MariaDB"])
def test_another_series_or_a_newer_source_is_refused_for_good(version: str) -> None:
    with pytest.raises(SeedError, match="same series, and no newer source") as failure:
        check_facts(ServerFacts(version, SETTINGS), REPLICA)

    assert not failure.value.is_transient


def test_a_setting_that_the_files_depend_on_is_named() -> None:
    source = ServerFacts(REPLICA.version, {**SETTINGS, "innodb_page_size": "65536"})

    with pytest.raises(SeedError, match="innodb_page_size is 65536 at the source and 16384 here"):
        check_facts(source, REPLICA)


def test_a_server_that_does_not_answer_is_not_compared() -> None:
    check_facts(ServerFacts("12.0.1-MariaDB", {"innodb_page_size": "65536"}), ServerFacts())


def test_facts_are_those_settings_that_matter() -> None:
    variables = {"version": "10.11.6-MariaDB", "innodb_page_size": "16384", "datadir": "/data/"}

    assert build_facts(variables) == ServerFacts("10.11.6-MariaDB", {"innodb_page_size": "16384"})


@pytest.mark.parametrize("value", ["", "./", "/data", "."])
def test_data_in_the_data_directory_are_replaced(value: str) -> None:
    check_folders({"datadir": "/data/", "innodb_log_group_home_dir": value, "innodb_data_home_dir": value})


@pytest.mark.parametrize(
    "name", ["innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory"]
)
def test_data_elsewhere_are_refused_with_the_setting(name: str) -> None:
    with pytest.raises(SeedError, match=rf"{name} is /elsewhere"):
        check_folders({"datadir": "/data/", name: "/elsewhere"})


def test_a_path_of_the_system_tablespace_is_refused() -> None:
    with pytest.raises(SeedError, match="innodb_data_file_path is /far/ibdata1:12M, with a path"):
        check_folders({"datadir": "/data/", "innodb_data_file_path": "/far/ibdata1:12M"})


KEYS = {
    "encryption_plugin": "file_key_management",
    "file_key_management_filename": "/etc/mysql/keys",
    "key_digest": "4711",
}


def test_a_server_with_the_sources_keys_fits() -> None:
    check_facts(ServerFacts(REPLICA.version, SETTINGS | KEYS), ServerFacts(REPLICA.version, SETTINGS | KEYS))


def test_a_source_without_encryption_needs_no_keys() -> None:
    check_facts(ServerFacts(REPLICA.version, SETTINGS), ServerFacts(REPLICA.version, SETTINGS | KEYS))


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({}, "by file_key_management, which this server has not loaded"),
        (KEYS | {"encryption_plugin": "aws_key_management"}, "by file_key_management, which this server"),
        (KEYS | {"key_digest": "0815"}, "by the keys in /etc/mysql/keys, which this server does not have"),
        (KEYS | {"file_key_management_filename": "/keys"}, "does not have in /keys"),
    ],
)
def test_other_keys_than_the_sources_are_refused(own: dict[str, str], reason: str) -> None:
    source = ServerFacts(REPLICA.version, SETTINGS | KEYS)

    with pytest.raises(SeedError, match=reason) as failure:
        check_facts(source, ServerFacts(REPLICA.version, SETTINGS | own))

    assert not failure.value.is_transient
