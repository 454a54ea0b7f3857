"""Two hosts share a store on a database server, and both are killed at random moments: nothing is made twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.database_servers import find_free_port
from tests.support.fast_manager import FAST_SERVE
from tests.support.killed_manager import killing_services, serving_guests
from tests.support.served_manager import HOST, serve_manager
from tests.support.store_servers import StoreDatabase

pytestmark = [pytest.mark.integration, pytest.mark.patient, pytest.mark.timeout(1800)]

CLUSTERS = ("blog", "shop", "wiki")
KILLS_OF_EACH = 15


def test_random_kills_of_two_hosts_leave_exactly_what_was_ordered(
    store_database: StoreDatabase, tmp_path: Path
) -> None:
    options = {
        "resources": "engine = natives\nworkers = 1",
        "store": f"connection = {store_database.build_url().reveal()}",
    }
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with (
        serving_guests("natives") as served,
        serve_manager(tmp_path / "first", served.connect, options, FAST_SERVE) as first,
    ):
        endpoint = (
            f"public_url = {first.settings.guests.public_url}\nlisten = {HOST}:{find_free_port()}\n"
            f"key_file = {first.settings.guests.key_file}"
        )
        with (
            serve_manager(
                tmp_path / "second", served.connect, options | {"endpoint": endpoint}, FAST_SERVE
            ) as second,
            killing_services((first, KILLS_OF_EACH), (second, KILLS_OF_EACH)) as manager,
        ):
            manager.live_until_kills_are_over(CLUSTERS)

            assert manager.kill_count == 2 * KILLS_OF_EACH
