"""The demo's command: a cloud is put up, and taken down whatever happens."""

from __future__ import annotations

import signal

import pytest

from guestagent.cli.demo import run_and_clean_up
from guestagent.controller import Heat
from guestagent.demo import DemoResult
from guestagent.demo.fake import FakeDemoEnvironment
from guestagent.errors import CloudRefused, StorageError


class Interrupting(FakeDemoEnvironment):
    """A place where somebody presses Ctrl-C as soon as the cloud is there."""

    def connect_heat(self) -> Heat:
        signal.raise_signal(signal.SIGINT)
        return super().connect_heat()


def found(place: FakeDemoEnvironment, *, keep: bool = False) -> DemoResult:
    return run_and_clean_up(place, keep, place.clock)


def test_what_an_earlier_demo_left_goes_first_and_nothing_stays() -> None:
    place = FakeDemoEnvironment(has_leftovers=True)

    held = found(place)

    assert held.problems == ()
    assert place.calls == ["down", "up", "down"]
    assert not place.is_running


def test_a_kept_cloud_stays_also_when_the_play_failed() -> None:
    place = FakeDemoEnvironment()
    place.fake_heat.verdicts["Slave0000ReadyWaitCond"] = "no login"

    failed = found(place, keep=True)

    assert failed.exit_code == 6
    assert place.is_running


def test_a_failed_play_is_torn_down() -> None:
    place = FakeDemoEnvironment()
    place.fake_heat.verdicts["Slave0000ReadyWaitCond"] = "no login"

    failed = found(place)

    assert failed.exit_code == 6
    assert not place.is_running


@pytest.mark.parametrize("keep", [False, True])
def test_an_interrupted_demo_is_torn_down(keep: bool) -> None:
    place = Interrupting()

    interrupted = found(place, keep=keep)

    assert interrupted.exit_code == 130
    assert interrupted.problems == ("interrupted",)
    assert not place.is_running


@pytest.mark.parametrize("keep", [False, True])
def test_a_cloud_that_does_not_start_shows_its_log_and_is_swept(keep: bool) -> None:
    place = FakeDemoEnvironment(start_error=CloudRefused("the cloud ended at once"))

    failed = found(place, keep=keep)

    assert failed.problems == ("the cloud ended at once",)
    assert failed.exit_code == 5
    assert failed.failed_nodes[0].log == ("the cloud said this last",)
    assert place.calls == ["down", "up", "down"]


def test_what_cannot_be_torn_down_did_not_hold() -> None:
    failed = found(FakeDemoEnvironment(stop_error=StorageError("it is still mounted")))

    assert failed.problems == ("tearing down: it is still mounted",)
    assert failed.exit_code == 8
