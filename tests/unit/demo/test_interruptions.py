"""The first signal ends the demo; what tidies up after it is not interrupted by the next."""

from __future__ import annotations

import signal

import pytest

from guestagent.cli.signals import InterruptHandler
from guestagent.errors import CloudError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_no_other_does(number: signal.Signals) -> None:
    with InterruptHandler():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)

        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(number)


def test_what_must_not_be_left_half_made_is_finished_first() -> None:
    done: list[str] = []

    def make(interruptions: InterruptHandler) -> None:
        with interruptions.defer_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("made")

    with InterruptHandler() as interruptions, pytest.raises(KeyboardInterrupt):
        make(interruptions)

    assert done == ["made"]


def test_an_error_has_priority_over_the_signal_that_came_with_it() -> None:
    def fail(interruptions: InterruptHandler) -> None:
        with interruptions.defer_interrupts():
            signal.raise_signal(signal.SIGINT)
            raise CloudError("the cloud ended at once")

    with InterruptHandler() as interruptions, pytest.raises(CloudError):
        fail(interruptions)


def test_signals_are_handled_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with InterruptHandler() as interruptions:
        interruptions.ignore_interrupts()

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_was_ignored_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)

    with InterruptHandler():
        signal.raise_signal(number)
