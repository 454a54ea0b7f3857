"""The service stops its parts and its workers, whatever they wait for."""

from __future__ import annotations

import threading

import pytest

from guestagent.errors import UnsupportedEnvironment
from guestagent.resources.orders import CreateCluster
from guestagent.resources.resource_service import ResourceService
from guestagent.resources.service.metrics import ServiceMetrics
from guestagent.resources.store.memory_store import MemoryStore
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine


class FakePart:
    """A part that notes what happens to it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[str] = []

    def open(self) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append("open")

    def close(self) -> None:
        self.calls.append("close")


class OneRound:
    """An engine's round that begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.engine = FakeEngine()
        self.engine.before_advance = self._wait
        self.store = MemoryStore()
        self.store.accept(build_order(CreateCluster, description={}), "fake", lambda _: None)

    def _wait(self) -> None:
        self.begun.set()
        self.let_go.wait(30)


def test_a_round_in_progress_ends_before_the_service() -> None:
    work, part, metrics = OneRound(), FakePart(), ServiceMetrics()
    service = ResourceService(work.store, {"fake": work.engine}, "host", 1, [part], metrics)
    service.open()
    assert work.begun.wait(30)
    threading.Timer(0.1, work.let_go.set).start()

    assert service.close()

    assert part.calls == ["open", "close"]
    assert metrics.list_metrics()[0].samples == {(): 1.0}
    assert not service.has_all_workers


def test_a_round_that_does_not_end_is_not_waited_for() -> None:
    work = OneRound()
    service = ResourceService(work.store, {"fake": work.engine}, "host", 1)
    service.open()
    assert work.begun.wait(30)

    assert not service.close(limit_s=0.2)

    work.let_go.set()


def test_parts_are_stopped_again_if_one_cannot_start() -> None:
    good, bad = FakePart(), FakePart(UnsupportedEnvironment("nothing can listen on port 80"))
    service = ResourceService(MemoryStore(), {}, "host", 1, [good, bad])

    with pytest.raises(UnsupportedEnvironment):
        service.open()

    assert good.calls == ["open", "close"]
