"""Rounds that look at the project at the same time share a look, and none of them gets an old one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.cloud_api import CloudObservation, CloudVolume
from guestagent.resources.natives.shared_observation import SharedObservation
from tests.support.polling import wait_until

LONG_S = 30.0


class SlowProject:
    """A project whose looks end one by one, each when `answer` has told how. A look shows how many began before it."""

    def __init__(self) -> None:
        self.began = 0
        self._answers: list[Future[None]] = [Future() for _ in range(4)]

    def observe(self) -> CloudObservation:
        number = self.began
        self.began += 1
        self._answers[number].result(LONG_S)
        return build_look(number)

    def answer(self, number: int, error: Exception | None = None) -> None:
        """Let a look end."""
        if error is None:
            self._answers[number].set_result(None)
        else:
            self._answers[number].set_exception(error)


class Callers:
    """Threads that look, each once."""

    def __init__(self, observe: Callable[[], CloudObservation]) -> None:
        self._observe = observe
        self._threads: list[threading.Thread] = []
        self._results: list[Future[CloudObservation]] = []

    def start(self, number: int) -> None:
        """Start callers, and return when they wait: for a look of their own, or for that of another one."""
        for _ in range(number):
            result: Future[CloudObservation] = Future()
            thread = threading.Thread(target=self._call, args=(result,), daemon=True)
            thread.start()
            self._threads.append(thread)
            self._results.append(result)
            wait_until(lambda thread=thread: is_waiting(thread), interval_s=0.001)  # type: ignore[misc]

    def list_results(self) -> list[CloudObservation | Exception]:
        """Return what each has got."""
        return [result.exception(LONG_S) or result.result() for result in self._results]  # type: ignore[misc]

    def _call(self, result: Future[CloudObservation]) -> None:
        try:
            result.set_result(self._observe())
        except (CloudUnreachable, ZeroDivisionError) as error:
            result.set_exception(error)


@pytest.fixture
def project() -> SlowProject:
    return SlowProject()


@pytest.fixture
def callers(project: SlowProject) -> Callers:
    return Callers(SharedObservation(project.observe).observe)


def test_those_who_ask_during_a_look_share_the_next_one(project: SlowProject, callers: Callers) -> None:
    callers.start(1)
    callers.start(3)

    project.answer(0)
    wait_until(lambda: project.began == 2)
    callers.start(1)
    project.answer(1)
    project.answer(2)

    looks = [build_look(number) for number in (0, 1, 1, 1, 2)]
    assert callers.list_results() == looks


def test_what_the_cloud_answers_is_the_answer_to_all_who_share(
    project: SlowProject, callers: Callers
) -> None:
    error = CloudUnreachable("no answer")
    callers.start(1)
    callers.start(2)

    project.answer(0)
    project.answer(1, error)

    assert callers.list_results() == [build_look(0), error, error]


def test_a_look_after_one_that_failed_is_a_new_one(project: SlowProject) -> None:
    project.answer(0, CloudUnreachable("no answer"))
    project.answer(1)
    shared = SharedObservation(project.observe)
    with pytest.raises(CloudUnreachable):
        shared.observe()

    assert shared.observe() == build_look(1)


def test_a_bug_in_a_look_is_for_its_caller_alone(project: SlowProject, callers: Callers) -> None:
    bug = ZeroDivisionError()
    callers.start(1)
    callers.start(2)

    project.answer(0)
    project.answer(1, bug)
    project.answer(2)

    results = callers.list_results()
    assert results[0] == build_look(0)
    assert sorted(map(str, results[1:])) == sorted(map(str, [bug, build_look(2)]))


def test_nobody_gets_a_look_that_is_older_than_the_question() -> None:
    begun = [0]

    def observe() -> CloudObservation:
        begun[0] += 1
        return build_look(begun[0])

    shared = SharedObservation(observe)

    def ask(_: int) -> bool:
        before = begun[0]
        return int(*shared.observe().volumes) > before

    with ThreadPoolExecutor(8) as pool:
        is_newer = list(pool.map(ask, range(400)))

    assert all(is_newer)


def build_look(number: int) -> CloudObservation:
    """Return a look that differs from those of other numbers."""
    return CloudObservation(
        volumes={str(number): CloudVolume(id=str(number), name="data", status="available", size_gib=1)}
    )


def is_waiting(thread: threading.Thread) -> bool:
    """Return whether a thread waits for another."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code is threading.Condition.wait.__code__
