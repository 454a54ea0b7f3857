"""A cluster of NATIVES on the real services: the store in a file, the service's threads, guests that signal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestagent.embedded.real_cloud import RealCloud
from tests.support.imitated_guests import ImitatedGuests
from tests.support.natives_life import live_through_all_orders
from tests.support.natives_manager import NativesManager, open_project_manager
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def manager(
    real_cloud: RealCloud, imitations: SignallingHypervisor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NativesManager]:
    folder = tmp_path_factory.mktemp("manager")
    with (
        ImitatedGuests(imitations) as guests,
        open_project_manager(real_cloud.connect, guests, folder) as manager,
    ):
        yield manager


def test_a_cluster_lives_and_leaves_the_project_as_it_was(manager: NativesManager) -> None:
    live_through_all_orders(manager)
