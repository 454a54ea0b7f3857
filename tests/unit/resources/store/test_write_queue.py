"""Writes of many threads: in turn, together where they wait, each with its own result, and none half."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from guestagent.errors import OrderRefused, StorageError
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.sql_database import SqlDatabase
from guestagent.resources.store.sqlite_file import create_sqlite_engine
from guestagent.resources.store.write_queue import GROUP_LIMIT, QueuedWrite, WriteGroup, WriteQueue
from tests.support.polling import wait_until

LONG_S = 30.0
Action = Callable[[Connection], object]


class UnusedTime:
    """A store's time, which these writes do not ask for."""

    def read_now(self, connection: Connection) -> float:
        raise NotImplementedError

    def read_wall_offset(self) -> float:
        raise NotImplementedError


class HeldDatabase:
    """A database with a table of numbers, whose first write is held until `release`. Its commits can fail."""

    def __init__(self, folder: Path) -> None:
        self._database = SqlDatabase(
            create_sqlite_engine(folder / "store.db"), "the store", UnusedTime(), has_one_writer=True
        )
        self._database.write(lambda connection: connection.execute(text("create table t (number integer)")))
        self._held_at, self._may_go = threading.Event(), threading.Event()
        self.fails_commits = False
        event.listen(self._database.engine, "commit", self._fail_commit)
        self._results: list[Future[object]] = [self._start(self._hold)]
        self._held_at.wait(LONG_S)

    def start(self, action: Action) -> None:
        """Start a thread that writes, and return when it waits."""
        queue = self._database._queue
        assert queue is not None
        waiting = len(queue._waiting)
        self._results.append(self._start(action))
        wait_until(lambda: len(queue._waiting) == waiting + 1, interval_s=0.001)

    def release(self) -> list[object]:
        """Let all write, and return their results, or their errors."""
        self._may_go.set()
        return [each.exception(LONG_S) or each.result(LONG_S) for each in self._results][1:]

    def list_numbers(self) -> list[int]:
        query = text("select number from t order by rowid")
        return list(self._database.read(lambda connection: connection.execute(query).scalars().all()))

    def close(self) -> None:
        self._may_go.set()
        self._database.close()

    def _hold(self, _: Connection) -> None:
        self._held_at.set()
        self._may_go.wait(LONG_S)

    def _fail_commit(self, _: Connection) -> None:
        if self.fails_commits:
            raise OperationalError("commit", {}, Exception("disk is full"))

    def _start(self, action: Action) -> Future[object]:
        result: Future[object] = Future()
        threading.Thread(target=self._write, args=(action, result), daemon=True).start()
        return result

    def _write(self, action: Action, result: Future[object]) -> None:
        try:
            result.set_result(self._database.write(action))
        except (StorageError, OrderRefused) as error:
            result.set_exception(error)


class AddNumber:
    """Adds a number, and remembers the transactions in which it did. It fails with `error` after that."""

    def __init__(self, number: int, error: Exception | None = None) -> None:
        self._number, self._error = number, error
        self.connections: list[int] = []

    def __call__(self, connection: Connection) -> int:
        self.connections.append(id(connection))
        connection.execute(text("insert into t values (:number)"), {"number": self._number})
        if self._error is not None:
            raise self._error
        return self._number


@pytest.fixture
def held(tmp_path: Path) -> Iterator[HeldDatabase]:
    database = HeldDatabase(tmp_path)
    yield database
    database.close()


def test_writes_that_wait_share_a_transaction_and_have_results_of_their_own(held: HeldDatabase) -> None:
    actions = [AddNumber(number) for number in range(5)]
    for action in actions:
        held.start(action)

    results = held.release()

    assert results == held.list_numbers() == [0, 1, 2, 3, 4]
    assert len({connection for action in actions for connection in action.connections}) == 1


def test_a_refused_write_takes_nothing_of_the_others_back(held: HeldDatabase) -> None:
    refusal = OrderRefused(RefusalCode.BUSY, "too many")
    for action in (AddNumber(1), AddNumber(2, refusal), AddNumber(3)):
        held.start(action)

    results = held.release()

    assert results == [1, refusal, 3]
    assert held.list_numbers() == [1, 3]


def test_an_error_of_the_database_is_for_the_write_that_has_got_it(held: HeldDatabase) -> None:
    disk_error = OperationalError("insert", {}, Exception("disk I/O error"))
    for action in (AddNumber(1), AddNumber(2, disk_error), AddNumber(3)):
        held.start(action)

    results = held.release()

    assert (results[0], results[2]) == (1, 3)
    assert isinstance(results[1], StorageError)
    assert held.list_numbers() == [1, 3]


def test_nothing_is_written_for_anybody_if_the_commit_fails(held: HeldDatabase) -> None:
    actions = [AddNumber(1), AddNumber(2)]
    for action in actions:
        held.start(action)
    held.fails_commits = True

    results = held.release()

    held.fails_commits = False
    assert [str(each) for each in results] == ["cannot use the store: disk is full; free some space"] * 2
    assert held.list_numbers() == []
    assert [len(action.connections) for action in actions] == [1, 1]


def test_more_writes_than_a_transaction_takes_are_all_executed_in_their_order(held: HeldDatabase) -> None:
    numbers = list(range(GROUP_LIMIT + 3))
    for number in numbers:
        held.start(AddNumber(number))

    assert held.release() == held.list_numbers() == numbers


def test_a_write_whose_turn_does_not_come_is_given_up() -> None:
    may_go, has_begun = threading.Event(), threading.Event()

    def hold(writes: WriteGroup) -> None:
        has_begun.set()
        may_go.wait(LONG_S)
        for write in writes:
            write.end(write.action(None))  # type: ignore[arg-type] # they need no database

    queue = WriteQueue(hold, "the store", limit_s=0.05)
    first = threading.Thread(target=queue.run, args=(QueuedWrite(build_action("first")),))
    first.start()
    has_begun.wait(LONG_S)

    with pytest.raises(StorageError, match="the store: other threads have been writing"):
        queue.run(QueuedWrite(build_action("second")))

    may_go.set()
    first.join(LONG_S)
    assert queue.run(QueuedWrite(build_action("third"))) == "third"


def build_action(name: str) -> Action:
    return lambda _: name
