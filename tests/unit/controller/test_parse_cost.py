"""How much more work a larger cluster is to read. Calls are counted: clocks on a shared machine prove nothing."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from guestagent.controller import Dialect, Passwords, parse, render
from tests.support.cluster_strategies import build_cluster


def count_calls(template: object) -> int:
    """Count the calls of Python functions in one `parse`."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        parse(template)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("passwords", Passwords)
@pytest.mark.parametrize("dialect", Dialect)
def test_twice_the_nodes_are_twice_the_work(dialect: Dialect, passwords: Passwords) -> None:
    small, large = (
        render(build_cluster(replicas=replicas, dialect=dialect, passwords=passwords))
        for replicas in (49, 99)
    )
    parse(small)  # what is imported and compiled once does not count

    assert count_calls(large) < 2.1 * count_calls(small)
