"""Tests give the same result for every user."""

from __future__ import annotations

from tests.support.environment import filter_environment


def test_a_cloud_and_a_terminal_of_the_caller_are_forgotten() -> None:
    caller = {
        "PATH": "/bin",
        "OS_CLOUD": "mine",
        "GUESTAGENT_DEBUG": "1",
        "COLUMNS": "200",
        "LC_ALL": "POSIX",
    }

    assert filter_environment(caller) == {"PATH": "/bin", "LC_ALL": "C.UTF-8"}


def test_the_cloud_to_be_tested_is_the_callers() -> None:
    assert filter_environment({"OS_CLOUD": "mine", "CONTRACT_HEAT": "mine"})["OS_CLOUD"] == "mine"
    assert "OS_CLOUD" not in filter_environment({"OS_CLOUD": "mine", "CONTRACT_HEAT": "real"})


def test_the_servers_of_tests_are_reached_without_the_callers_proxy() -> None:
    kept = filter_environment({"https_proxy": "http://proxy", "no_proxy": "example.org"})

    assert kept["https_proxy"] == "http://proxy"
    assert kept["no_proxy"] == "example.org,localhost,127.0.0.1,10.77.0.0/16,10.78.0.0/24"


def test_cleaning_twice_changes_nothing_without_a_proxy() -> None:
    once = filter_environment({"HOME": "/a b", "GUESTAGENT_CACHE": "/c"})

    assert filter_environment(once) == once == {"HOME": "/a b", "GUESTAGENT_CACHE": "/c", "LC_ALL": "C.UTF-8"}
