"""Signals that a service's command waits for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from guestagent.cli.termination import queue_signals

NUMBERS = (signal.SIGTERM, signal.SIGHUP)


def run_in_older_thread(action: Callable[[], None]) -> Callable[[], None]:
    """Start a thread that does not block signals, and return a function that lets it act and waits for its end."""
    start = threading.Event()

    def wait_and_act() -> None:
        start.wait()
        action()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()

    def act() -> None:
        start.set()
        thread.join()

    return act


def test_signals_before_the_wait_are_queued_in_their_order() -> None:
    with queue_signals(NUMBERS) as wait_for_signal:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

        assert [wait_for_signal(), wait_for_signal()] == [signal.SIGHUP, signal.SIGTERM]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_an_older_thread_gets_ends_the_wait(number: signal.Signals) -> None:
    act = run_in_older_thread(lambda: signal.pthread_kill(threading.get_ident(), number))
    with queue_signals(NUMBERS) as wait_for_signal:
        act()

        assert wait_for_signal() == number


def test_former_handlers_are_restored() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]

    with queue_signals(NUMBERS):
        assert [signal.getsignal(number) for number in NUMBERS] != before

    assert [signal.getsignal(number) for number in NUMBERS] == before
