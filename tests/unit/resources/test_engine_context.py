"""Engines are found by the entry points of the installed packages."""

from __future__ import annotations

import pytest

from guestagent.errors import InvalidSettings
from guestagent.resources.engine_context import find_engine_factory, list_engine_names
from guestagent.resources.natives.engine_factory import select_natives


def test_an_engine_is_found_by_its_name() -> None:
    assert find_engine_factory("natives") is select_natives


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidSettings) as refused:
        find_engine_factory("nativ")

    message = str(refused.value)
    assert "resources.engine: expected auto, or one of" in message
    assert all(name in message for name in list_engine_names())
    assert "natives" in list_engine_names()
