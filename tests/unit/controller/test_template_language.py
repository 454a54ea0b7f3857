"""The tables of Heat's languages beside those of the embedded Heat, which contract tests compare with a real one."""

from __future__ import annotations

from guestagent.controller import template_language as ours
from guestagent.embedded.template import cfn_functions, dialect, hot_functions


def test_both_know_the_same_versions() -> None:
    assert set(ours.VERSIONS["heat_template_version"]) == dialect.HOT_VERSIONS
    assert {key: set(known) for key, known in ours.VERSIONS.items() if key != dialect.HOT} == {
        key: set(known) for key, known in dialect.CFN_VERSIONS.items()
    }
    assert dict(ours.RELEASES) == dict(dialect.RELEASES)


def test_each_function_of_hot_came_with_the_same_version() -> None:
    kept = {name: first for name, (first, end) in ours.HOT_FUNCTIONS.items() if end == ours.LATEST}

    assert kept == {
        **hot_functions.SINCE,
        **dict.fromkeys(("get_param", "get_resource", "get_attr"), "2013-05-23"),
    }


def test_the_functions_of_the_other_dialect_are_the_same() -> None:
    known = cfn_functions.CFN_FUNCTIONS

    assert {*known.readers, *known.pure, *known.lacking} == ours.CFN_FUNCTIONS | ours.CFN_CONDITION_FUNCTIONS
