"""What a store of orders on a server has beyond its contract: TLS, passwords, collisions and lost connections."""

from __future__ import annotations

import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection

from guestagent.embedded.database_servers import Flavour
from guestagent.errors import OrderRefused, StorageError
from guestagent.resources.operation import Operation
from guestagent.resources.orders import CreateCluster, Order, RestartInstance
from guestagent.resources.store.protocol import QUEUE_LIMIT, OrderStore
from guestagent.resources.store.records import ClusterChange, SignalEntry
from guestagent.resources.store.sql_snapshot import find_cluster_row
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_opening import open_sql_store
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import open_server
from tests.support.orders import build_order
from tests.support.store_contract.opened_store import OpenedStore, accept_all
from tests.support.store_servers import (
    PASSWORD,
    StoreDatabase,
    create_store_account,
    create_store_database,
)

pytestmark = pytest.mark.integration
THREADS = 6


def call_together(call: Callable[[int], object]) -> list[object]:
    """Call from several threads at once; return the results, and the OrderRefused of those that were refused."""
    barrier = Barrier(THREADS)

    def call_in_thread(number: int) -> object:
        barrier.wait(30)
        try:
            return call(number)
        except OrderRefused as error:
            return error

    with ThreadPoolExecutor(THREADS) as executor:
        return list(executor.map(call_in_thread, range(THREADS)))


def accept_order(store: OrderStore, order: Order, _: int) -> Operation:
    return store.accept(order, "natives", accept_all)


@pytest.fixture
def store(store_database: StoreDatabase) -> Iterator[SqlStore]:
    with store_database.open() as store:
        yield store


def test_the_same_order_from_several_hosts_is_one_operation(store: OrderStore) -> None:
    for number in range(5):
        order = CreateCluster(request_id=f"create-{number}", cluster=f"c{number}", description={})

        answers = call_together(partial(accept_order, store, order))

        assert len({answer.id for answer in answers if isinstance(answer, Operation)}) == 1
        assert len(store.operations(order.cluster)) == 1


def test_orders_at_the_same_time_keep_the_limit_of_the_queue(store: OrderStore) -> None:
    opened = OpenedStore(store, lambda _: None)
    opened.create_cluster()
    for _ in range(QUEUE_LIMIT - 3):
        opened.restart()

    answers = call_together(lambda _: opened.restart())

    assert Counter(type(answer).__name__ for answer in answers) == {
        "Operation": 2,
        "OrderRefused": THREADS - 2,
    }


def test_workers_on_several_hosts_never_have_the_same_cluster(
    store: OrderStore, store_database: StoreDatabase
) -> None:
    opened = OpenedStore(store, lambda _: None)
    for number in range(THREADS + 2):
        opened.create_cluster(f"c{number}")

    leases = call_together(lambda number: store.claim(f"worker {number}"))

    names = [getattr(lease, "cluster", None) for lease in leases]
    assert len(set(names)) == THREADS
    assert None not in names


def test_news_and_a_worker_do_not_get_into_each_others_way(store: OrderStore) -> None:
    opened = OpenedStore(store, lambda _: None)
    opened.create_cluster()
    lease = opened.claim()
    operation = lease.read().queue[0].operation

    def use_cluster(number: int) -> None:
        for round_number in range(10):
            if number == 0:
                lease.write(ClusterChange(wanted=str(round_number), events=("written",)))
            elif number == 1:
                lease.read()
            elif number == 2:
                store.retry(operation.id)
            else:
                store.record_signal("shop", SignalEntry(instance="a", generation=number, is_success=True))

    call_together(use_cluster)

    snapshot = lease.read()
    assert (snapshot.cluster.wanted, snapshot.queue[0].retries, len(snapshot.signals)) == (
        "9",
        10,
        THREADS - 3,
    )


def test_a_transaction_that_loses_a_deadlock_is_executed_again(store: SqlStore) -> None:
    opened, barrier, attempts = OpenedStore(store, lambda _: None), Barrier(2), Counter[str]()
    for cluster in ("one", "two"):
        opened.create_cluster(cluster)

    def lock_both(first: str, second: str) -> None:
        def lock_rows(connection: Connection) -> None:
            attempts[first] += 1
            find_cluster_row(connection, first, writes=True)
            if attempts[first] == 1:
                barrier.wait(30)
            find_cluster_row(connection, second, writes=True)

        store._database.write(lock_rows)

    with ThreadPoolExecutor(2) as executor:
        for future in [executor.submit(lock_both, "one", "two"), executor.submit(lock_both, "two", "one")]:
            future.result(30)

    assert attempts.total() == 3


def test_a_store_is_made_once_by_several_hosts(store_database: StoreDatabase) -> None:
    def open_store(_: int) -> str:
        with store_database.open() as store:
            return store.id

    assert len(set(call_together(open_store))) == 1


def test_a_store_of_a_newer_version_is_not_opened(store_database: StoreDatabase) -> None:
    with store_database.open():
        pass
    table = f"{store_database.name}.meta"
    store_database.server.execute(f"UPDATE {table} SET content = '2' WHERE name = 'schema_version'")  # noqa: S608

    with pytest.raises(StorageError, match="written by a newer guestagent"), store_database.open():
        pass


def test_a_url_opens_the_store_on_the_server_with_the_servers_clock(store_database: StoreDatabase) -> None:
    store = open_sql_store(store_database.build_url())

    operation = OpenedStore(store, lambda _: None).create_cluster()

    lease = store.claim("worker")
    assert lease is not None
    assert abs(operation.accepted_at - time.time()) < 300
    assert 0 <= lease.read().now - operation.accepted_at < 300
    store.close()


def test_a_connection_with_tls_verifies_the_server(
    store_database: StoreDatabase, authority: CertificateAuthority
) -> None:
    url = store_database.build_url(options=f"?ssl_ca={authority.valid.ca}")

    with store_database.open(url) as store:
        cipher = store._database.read(
            lambda connection: connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1]
        )

    assert cipher


def test_a_server_with_another_certificate_is_refused(
    store_database: StoreDatabase, authority: CertificateAuthority
) -> None:
    url = store_database.build_url(options=f"?ssl_ca={authority.other_ca.ca}")

    with pytest.raises(StorageError, match="certificate verify failed"), store_database.open(url):
        pass


@pytest.mark.parametrize("options", ["?ssl_ca=/none.pem", "?ssl_cert=/none.pem&ssl_key=/none-key.pem"])
def test_a_file_for_tls_that_is_missing_is_named(store_database: StoreDatabase, options: str) -> None:
    url = store_database.build_url(options=options)

    with (
        pytest.raises(StorageError, match=r"cannot read .*/none.pem.*No such file"),
        store_database.open(url),
    ):
        pass


def test_the_password_is_never_shown(store_database: StoreDatabase, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong_password = PASSWORD[::-1]

    with (
        pytest.raises(StorageError, match="1045") as error,
        store_database.open(store_database.build_url(wrong_password)),
    ):
        pass
    with store_database.open() as store:
        shown = (
            f"{store._database.engine!r} {store._database.engine.url.render_as_string(hide_password=False)}"
        )

    texts = (repr(error.value), str(error.value), caplog.text, shown, repr(store), store._database.place)
    assert not [text for text in texts if PASSWORD in text or wrong_password in text]


def test_a_server_that_was_away_is_used_again(flavour: Flavour, data_template: Path, tmp_path: Path) -> None:
    with open_server(tmp_path / "away", data_template, "server-id=1", flavour=flavour) as server:
        create_store_account(server)
        database = create_store_database(server)
        order = build_order(RestartInstance, instance="Master0000")
        with database.open() as store:
            store.accept(order, "natives", accept_all)
            server.stop(signal.SIGKILL)
            with pytest.raises(StorageError, match=f"database {database.name} on 127.0.0.1"):
                store.accept(order, "natives", accept_all)
            server.start()

            operation = store.accept(order, "natives", accept_all)

            assert store.operations("shop") == (operation,)
