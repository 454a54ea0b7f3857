"""What the drivers below the real services do wrong, by names."""

from __future__ import annotations

import pytest

from guestagent.embedded.openstack.cinder.volume_types import VOLUME_TYPES
from guestagent.embedded.openstack.nova.flavors import FLAVORS
from guestagent.embedded.real_cloud.inside.named_faults import (
    FLAVOR_FAULTS,
    VOLUME_TYPE_FAULTS,
    find_faults,
    read_delay,
)


def test_a_name_may_ask_for_several_faults() -> None:
    faults = find_faults("db-fail-resize-slow-3", None, FLAVOR_FAULTS)

    assert "fail-resize" in faults
    assert read_delay(faults) == 3
    assert "fail-spawn" not in faults


@pytest.mark.parametrize("name", [None, "", "db", "slow-", "slow-motion"])
def test_other_names_ask_for_nothing(name: str | None) -> None:
    faults = find_faults(name, "m1.tiny", FLAVOR_FAULTS)

    assert "fail" not in faults
    assert read_delay(faults) == 0


def test_flavors_fail_as_those_of_the_embedded_cloud() -> None:
    failing = {flavor.name for flavor in FLAVORS if flavor.is_broken or flavor.is_rigid or flavor.is_stuck}

    assert set(FLAVOR_FAULTS) == failing


def test_volume_types_fail_as_those_of_the_embedded_cloud() -> None:
    expected = {
        volume_type.name: fault
        for volume_type in VOLUME_TYPES
        for is_failing, fault in (
            (volume_type.fails_to_create, "fail-create"),
            (volume_type.fails_to_extend, "fail-extend"),
            (volume_type.fails_to_attach, "fail-attach"),
            (volume_type.fails_to_delete, "fail-delete"),
        )
        if is_failing
    }

    assert expected == VOLUME_TYPE_FAULTS
