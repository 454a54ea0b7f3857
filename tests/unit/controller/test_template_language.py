"""The tables of Heat's languages beside those of the embedded Heat, which contract tests compare with a real one."""

from __future__ import annotations

from guestagent.controller import template_language as ours
from guestagent.embedded.heat.template import cfn_functions, hot_functions, template_format


def test_both_know_the_same_versions() -> None:
    assert set(ours.VERSIONS["heat_template_version"]) == template_format.HOT_VERSIONS
    assert {
        key: set(known) for key, known in ours.VERSIONS.items() if key != template_format.HOT_VERSION_KEY
    } == {key: set(known) for key, known in template_format.CFN_VERSIONS.items()}
    assert dict(ours.RELEASES) == dict(template_format.HOT_RELEASES)


def test_each_function_of_hot_came_with_the_same_version() -> None:
    kept = {name: first for name, (first, end) in ours.HOT_FUNCTIONS.items() if end == ours.LATEST}

    assert kept == {
        **hot_functions.FUNCTION_VERSIONS,
        **dict.fromkeys(("get_param", "get_resource", "get_attr"), "2013-05-23"),
    }


def test_the_functions_of_the_other_dialect_are_the_same() -> None:
    known = cfn_functions.CFN_FUNCTIONS

    assert {
        *known.reference_functions,
        *known.pure_functions,
        *known.unsupported,
    } == ours.CFN_FUNCTIONS | ours.CFN_CONDITION_FUNCTIONS
