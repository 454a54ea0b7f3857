"""Signals as a terminal delivers them, also where the tests run under nohup or in the background of a script."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

AT_A_TERMINAL: dict[signal.Signals, Callable[[int, FrameType | None], Any] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}


@pytest.fixture(autouse=True)
def default_signals() -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in AT_A_TERMINAL.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
