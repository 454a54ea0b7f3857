"""NATIVES at work, then MIGRATION over the same store and project: the old cluster stays, the new one is a stack."""

from __future__ import annotations

from pathlib import Path

import openstack
import pytest

from guestagent.embedded import serving
from tests.support.imitated_guests import ImitatedGuests
from tests.support.migration_life import live_through_a_migration
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(900)


def test_old_clusters_stay_with_natives_and_new_ones_become_stacks(tmp_path: Path) -> None:
    hypervisor = SignallingHypervisor()
    with (
        serving(hypervisor) as served,
        openstack.connect(**served.connect) as connection,
        ImitatedGuests(hypervisor),
    ):
        live_through_a_migration(connection, tmp_path)
