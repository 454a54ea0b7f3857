"""All engines on the real services, with guests that only signal: to Heat, or to the service."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openstack
import pytest

from guestagent.embedded.real_cloud import RealCloud
from tests.every_operation.run import perform_every_operation
from tests.support.imitated_guests import ImitatedGuests
from tests.support.migration_life import live_through_a_migration
from tests.support.real_cloud import RealCloudOperator
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def login(real_cloud: RealCloud, imitations: SignallingHypervisor) -> Iterator[Mapping[str, Any]]:
    """How to connect to a project that has nothing, whose guests signal."""
    with ImitatedGuests(imitations):
        yield RealCloudOperator(real_cloud).create_project(f"engines-{secrets.token_hex(3)}")


def test_old_clusters_stay_with_natives_and_new_ones_become_stacks(
    login: Mapping[str, Any], tmp_path: Path
) -> None:
    with openstack.connect(**login) as connection:
        live_through_a_migration(connection, tmp_path)


@pytest.mark.patient
@pytest.mark.parametrize("engine", ["natives", "orchestrator", "migration"])
def test_every_operation_leaves_the_project_as_it_was(
    engine: str, login: Mapping[str, Any], tmp_path: Path
) -> None:
    performed = perform_every_operation(engine, login, tmp_path, print)

    assert {"create_cluster", "resize_volume", "update_rule_cidr", "delete_cluster"} <= {*performed}
