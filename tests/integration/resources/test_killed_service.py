"""A service that is killed at random moments makes exactly what was asked for, and leaves nothing else behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.fast_manager import FAST_SERVE
from tests.support.killed_manager import CHANGES, CREATION, killing_services, serving_guests
from tests.support.served_manager import serve_manager

KILLS_OF_NATIVES, KILLS_OF_MIGRATION = 2, 4


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(5, marks=pytest.mark.timeout(900)),
        pytest.param(100, marks=(pytest.mark.patient, pytest.mark.timeout(3600))),
    ],
)
@pytest.mark.parametrize("engine", ["natives", "orchestrator"])
def test_random_kills_leave_exactly_what_was_ordered(engine: str, tmp_path: Path, kills: int) -> None:
    options = {"resources": f"engine = {engine}"}
    with (
        serving_guests(engine) as served,
        serve_manager(tmp_path, served.connect, options, FAST_SERVE) as service,
        killing_services((service, kills)) as manager,
    ):
        manager.live_until_kills_are_over(["shop"])

        assert manager.kill_count == kills


@pytest.mark.parametrize(
    "lives",
    [
        pytest.param(1, marks=pytest.mark.timeout(900)),
        pytest.param(10, marks=(pytest.mark.patient, pytest.mark.timeout(3600))),
    ],
)
def test_random_kills_of_a_migration_leave_exactly_what_was_ordered(tmp_path: Path, lives: int) -> None:
    with (
        serving_guests("migration") as served,
        serve_manager(tmp_path, served.connect, program=FAST_SERVE) as service,
    ):
        for _ in range(lives):
            service.change_settings("resources", "engine = natives")
            with killing_services((service, KILLS_OF_NATIVES)) as manager:
                before = manager.list_ids()
                manager.carry_out(["old"], CREATION)
            service.stop(signal.SIGKILL)

            service.change_settings("resources", "engine = migration")
            with killing_services((service, KILLS_OF_MIGRATION)) as manager:
                manager.carry_out(["new"], CREATION)
                owners = {each.name: each.engine for each in manager.intake.clusters()}
                manager.carry_out(["new", "old"], CHANGES)
                manager.end(["new", "old"], before)
            service.stop(signal.SIGKILL)

            assert owners == {"new": "orchestrator", "old": "natives"}
            assert manager.kill_count > 0
