"""The log of the resident agent: each activity once, and numbers that move at intervals."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from guestagent.agent.outcome import Progress
from guestagent.agent.status_reporter import StatusReporter
from guestagent.retry import FakeClock
from tests.support.reconciled_node import REPLICA


def report(reporter: StatusReporter, activity: str) -> None:
    progress = Progress(None, activity, 1.0)
    reporter.log_progress(progress)
    reporter.show_progress(REPLICA, progress)


def test_an_activity_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reporter = StatusReporter(tmp_path, FakeClock().now)

    with caplog.at_level(logging.INFO):
        for activity in ("start the channel", "start the channel", "stop the channel"):
            report(reporter, activity)

    assert [record.getMessage() for record in caplog.records] == [
        "1.0 s: start the channel",
        "1.0 s: stop the channel",
    ]


def test_numbers_that_move_are_logged_at_intervals(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    reporter = StatusReporter(tmp_path, clock.now)

    with caplog.at_level(logging.INFO):
        for mib in range(1, 62):
            report(reporter, f"seed: {mib} of 99 MiB")
            clock.sleep(1)

    assert [record.getMessage() for record in caplog.records] == [
        f"1.0 s: seed: {mib} of 99 MiB" for mib in (1, 31, 61)
    ]
