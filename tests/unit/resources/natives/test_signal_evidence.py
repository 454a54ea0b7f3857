"""Evidence in signals of guests, which may send whatever they like."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.byte_units import GIB
from guestagent.controller.evidence import read_evidence as read_condition_evidence
from guestagent.controller.heat_api import Resource
from guestagent.resources.natives.signal_evidence import read_evidence, read_guest_volume_gib
from guestagent.resources.store.records import SignalEntry


def measure(size: object) -> float | None:
    return read_guest_volume_gib({"volume": {"file_system_bytes": size}})


def test_the_size_of_the_file_system_is_shown() -> None:
    assert measure(3 * GIB) == 3.0


@pytest.mark.parametrize("size", [10**400, -1, True, 1e300, "5", None])
def test_a_number_that_is_no_size_is_none(size: Any) -> None:
    assert measure(size) is None


def test_data_that_are_nested_too_deep_are_a_text() -> None:
    data = "[" * 30_000
    signal = SignalEntry(instance="Slave0000", generation=1, is_success=True, data=data)
    condition = Resource("Slave0000ReadyWaitCond", "CREATE_COMPLETE", "", {"data": {"Slave0000-1": data}})

    assert read_evidence(signal) == {"data": data}
    assert read_condition_evidence(condition) == data
