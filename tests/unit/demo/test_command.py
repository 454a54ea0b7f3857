"""The demo's command: a cloud is put up, and taken down whatever happens."""

from __future__ import annotations

import signal

import pytest

from guestagent.cli.demo import run_and_clean_up
from guestagent.controller import Heat
from guestagent.demo import DemoResult, play
from guestagent.demo.fake import FakeDemoEnvironment
from guestagent.errors import CloudRefused, StorageError


class InterruptedEnvironment(FakeDemoEnvironment):
    """An environment in which Ctrl-C is pressed as soon as the cloud is running."""

    def connect_heat(self) -> Heat:
        signal.raise_signal(signal.SIGINT)
        return super().connect_heat()


def run_demo(environment: FakeDemoEnvironment, *, keep: bool = False) -> DemoResult:
    return run_and_clean_up(environment, keep, environment.clock, play)


def test_what_an_earlier_demo_left_goes_first_and_nothing_stays() -> None:
    environment = FakeDemoEnvironment(has_leftovers=True)

    result = run_demo(environment)

    assert result.problems == ()
    assert environment.calls == ["down", "up", "down"]
    assert not environment.is_running


def test_a_kept_cloud_stays_also_when_the_play_failed() -> None:
    environment = FakeDemoEnvironment()
    environment.fake_heat.verdicts["Slave0000ReadyWaitCond"] = "no login"

    result = run_demo(environment, keep=True)

    assert result.exit_code == 6
    assert environment.is_running


def test_a_failed_play_is_torn_down() -> None:
    environment = FakeDemoEnvironment()
    environment.fake_heat.verdicts["Slave0000ReadyWaitCond"] = "no login"

    result = run_demo(environment)

    assert result.exit_code == 6
    assert not environment.is_running


@pytest.mark.parametrize("keep", [False, True])
def test_an_interrupted_demo_is_torn_down(keep: bool) -> None:
    environment = InterruptedEnvironment()

    result = run_demo(environment, keep=keep)

    assert result.exit_code == 130
    assert result.problems == ("interrupted",)
    assert not environment.is_running


@pytest.mark.parametrize("keep", [False, True])
def test_a_cloud_that_does_not_start_shows_its_log_and_is_swept(keep: bool) -> None:
    environment = FakeDemoEnvironment(start_error=CloudRefused("the cloud ended at once"))

    result = run_demo(environment, keep=keep)

    assert result.problems == ("the cloud ended at once",)
    assert result.exit_code == 5
    assert result.failed_nodes[0].log == ("the cloud logged this last",)
    assert environment.calls == ["down", "up", "down"]


def test_what_cannot_be_torn_down_did_not_hold() -> None:
    result = run_demo(FakeDemoEnvironment(stop_error=StorageError("it is still mounted")))

    assert result.problems == ("clean-up: it is still mounted",)
    assert result.exit_code == 8
