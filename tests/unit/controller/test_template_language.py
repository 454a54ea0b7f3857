"""The tables of Heat's languages beside those of the embedded Heat, which contract tests compare with a real one."""

from __future__ import annotations

from guestagent.controller import template_language
from guestagent.embedded.heat.template import cfn_functions, hot_functions, template_format


def test_both_know_the_same_versions() -> None:
    assert set(template_language.VERSIONS["heat_template_version"]) == template_format.HOT_VERSIONS
    assert {
        key: set(known)
        for key, known in template_language.VERSIONS.items()
        if key != template_format.HOT_VERSION_KEY
    } == {key: set(known) for key, known in template_format.CFN_VERSIONS.items()}
    assert dict(template_language.RELEASES) == dict(template_format.HOT_RELEASES)


def test_each_function_of_hot_came_with_the_same_version() -> None:
    kept = {
        name: first
        for name, (first, end) in template_language.HOT_FUNCTIONS.items()
        if end == template_language.LATEST
    }

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
    } == template_language.CFN_FUNCTIONS | template_language.CFN_CONDITION_FUNCTIONS
