"""Several processes use one store of orders in a file."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.resources.store.store_clock import MachineClock
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_files import open_file
from tests.support.store_worker import FastMachineClock

pytestmark = pytest.mark.integration
TREE = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "private" / "store.db"


@contextmanager
def start_worker(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start a worker with pipes, and end it at the end."""
    command = [sys.executable, "-m", "tests.support.store_worker", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=TREE, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def read_line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def test_two_processes_never_have_the_same_cluster(path: Path) -> None:
    with open_file(path, MachineClock()) as store:
        for cluster in ("first", "second"):
            OpenedStore(store, time.sleep).create_cluster(cluster)

        with start_worker("claim", path, "60") as one, start_worker("claim", path, "60") as other:
            exit_codes = [one.wait(50), other.wait(50)]

        claims = [event.text for cluster in ("first", "second") for event in store.events(cluster)]
    assert exit_codes == [0, 0]
    assert len(claims) == 120
    assert len(set(claims)) == 2


def test_a_process_that_slept_beyond_its_lease_has_lost_it(path: Path) -> None:
    with open_file(path, FastMachineClock(), 5.0) as store:
        OpenedStore(store, time.sleep).create_cluster()
        with start_worker("hold", path) as worker:
            assert read_line(worker) == "claimed"
            worker.send_signal(signal.SIGSTOP)
            while (lease := store.claim("other")) is None:
                time.sleep(0.05)

            worker.send_signal(signal.SIGCONT)
            answer, _ = worker.communicate("\n", timeout=60)

        assert answer == "lost False\n"
        assert lease.cluster == "shop"
        snapshot = store.read("shop")
        assert snapshot is not None
        assert snapshot.cluster.wanted is None


def test_a_kill_at_any_time_loses_no_accepted_order(path: Path) -> None:
    accepted = 0
    for _ in range(6):
        with start_worker("accept", path) as worker:
            assert worker.stdout is not None
            assert read_line(worker) == "1"
            threading.Timer(random.uniform(0.01, 0.2), worker.kill).start()
            accepted = max([accepted, *(int(line) for line in worker.stdout if line.endswith("\n"))])

    with open_file(path, MachineClock()) as store:
        clusters = [record.name for record in store.clusters()]
        assert {f"c{number}" for number in range(1, accepted + 1)} <= set(clusters)
        assert len(clusters) <= accepted + 1
        assert {len(store.operations(cluster)) for cluster in clusters} == {1}


def test_a_wait_ends_when_another_process_writes(path: Path) -> None:
    with open_file(path, MachineClock(), 5.0) as store, open_file(path, MachineClock(), 5.0) as other:
        opened, written = OpenedStore(store, time.sleep), OpenedStore(other, time.sleep)
        operation = opened.create_cluster()
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(store.wait(operation.id, 1, 50.0)))
        waiter.start()

        written.end(written.claim(), operation)

        waiter.join(40.0)
        assert [answer.sequence for answer in answers if answer is not None] == [2]
