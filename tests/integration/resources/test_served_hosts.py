"""Two hosts with one store on a database server: both work, and one goes on alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, CreateSecurityGroup
from guestagent.resources.service.assembly import open_local_manager
from tests.support.database_servers import find_free_port
from tests.support.heat_requests import get_fake_hypervisor
from tests.support.imitated_guests import ImitatedGuests
from tests.support.orders import LONE_SOURCE, await_end, build_order, carry_out
from tests.support.served_manager import HOST, ServedManager, serve_manager
from tests.support.store_servers import StoreDatabase

pytestmark = [pytest.mark.integration, pytest.mark.patient, pytest.mark.timeout(900)]

CLUSTERS = ("blog", "forum", "shop", "wiki")


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving() as served, ImitatedGuests(get_fake_hypervisor(served)):
        yield served


@pytest.fixture
def hosts(
    served: Serving, store_database: StoreDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ServedManager, ServedManager]]:
    """The second host has no keys yet, and its guests reach it at the address of the first one."""
    options = {
        "resources": "engine = natives\nworkers = 1",
        "store": f"connection = {store_database.build_url().reveal()}",
    }
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with serve_manager(tmp_path / "first", served.connect, options) as first:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(first.clouds_file))
        endpoint = (
            f"public_url = {first.settings.guests.public_url}\nlisten = {HOST}:{find_free_port()}\n"
            f"key_file = {tmp_path}/second/keys.json"
        )
        with serve_manager(tmp_path / "second", served.connect, options | {"endpoint": endpoint}) as second:
            yield first, second


def count_rounds(host: ServedManager) -> int:
    found = re.search(r"rounds_total (\d+)", host.read_page("/metrics").text)
    assert found is not None
    return int(found[1])


def test_two_hosts_share_the_work(hosts: tuple[ServedManager, ServedManager]) -> None:
    first, second = hosts
    first.start()
    with open_local_manager(first.settings) as manager:
        carry_out(manager, CreateCluster, cluster="first", description=LONE_SOURCE)
        refused = second.run()
        shutil.copy(first.settings.guests.key_file, second.settings.guests.key_file)
        second.start()

        operations = [
            manager.submit(build_order(CreateCluster, cluster=name, description=LONE_SOURCE))
            for name in CLUSTERS
        ]
        created = [await_end(manager, operation) for operation in operations]
        rounds = [count_rounds(host) for host in hosts]
        first.stop()
        alone = carry_out(manager, CreateSecurityGroup, cluster="shop", group="backup")

    assert refused.returncode == 8
    assert "keys.json is missing, which these clusters depend on: first" in refused.stderr
    assert [operation.state for operation in created] == [OperationState.DONE] * len(CLUSTERS)
    assert min(rounds) > 0
    assert alone.state is OperationState.DONE, alone
    assert second.read_page("/healthz").status_code == 200
