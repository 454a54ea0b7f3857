"""The dependencies between resources."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat import dependencies
from guestagent.embedded.heat.errors import CircularDependencyException


def test_a_cycle_is_rejected_and_shown() -> None:
    with pytest.raises(CircularDependencyException, match=r"Circular Dependency Found: \{.*a: \[b\].*\}"):
        dependencies.check_acyclic({"a": frozenset("b"), "b": frozenset("a")})


def test_a_resource_that_needs_itself_is_a_cycle() -> None:
    with pytest.raises(CircularDependencyException):
        dependencies.check_acyclic({"a": frozenset("a")})


def test_a_resource_is_deleted_after_those_that_need_it() -> None:
    turned = dependencies.reverse_dependencies({"server": frozenset({"port"}), "port": frozenset()})

    assert turned == {"server": frozenset(), "port": frozenset({"server"})}


def test_only_resources_without_unfinished_dependencies_are_ready() -> None:
    needs = {"a": frozenset[str](), "b": frozenset("a"), "c": frozenset("ab")}

    assert dependencies.list_ready(needs, ["c", "b"], frozenset("a")) == ("b",)
