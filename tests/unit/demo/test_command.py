"""The demo's command: a cloud is put up, and taken down whatever happens."""

from __future__ import annotations

import signal

import pytest

from guestagent.cli.demo import performed
from guestagent.controller import Heat
from guestagent.demo import Findings
from guestagent.demo.fake import FakePlace
from guestagent.errors import CloudRefused, StorageError


class Interrupting(FakePlace):
    """A place where somebody presses Ctrl-C as soon as the cloud is there."""

    def heat(self) -> Heat:
        signal.raise_signal(signal.SIGINT)
        return super().heat()


def found(place: FakePlace, *, keep: bool = False) -> Findings:
    return performed(place, keep, place.clock)


def test_what_an_earlier_demo_left_goes_first_and_nothing_stays() -> None:
    place = FakePlace(left=True)

    held = found(place)

    assert held.problems == ()
    assert place.said == ["down", "up", "down"]
    assert not place.runs


def test_a_kept_cloud_stays_also_when_the_play_failed() -> None:
    place = FakePlace()
    place.fake_heat.verdicts["Slave0000ReadyWaitCond"] = "no login"

    failed = found(place, keep=True)

    assert failed.broken == 6
    assert place.runs


def test_a_failed_play_is_torn_down() -> None:
    place = FakePlace()
    place.fake_heat.verdicts["Slave0000ReadyWaitCond"] = "no login"

    failed = found(place)

    assert failed.broken == 6
    assert not place.runs


@pytest.mark.parametrize("keep", [False, True])
def test_an_interrupted_demo_is_torn_down(keep: bool) -> None:
    place = Interrupting()

    interrupted = found(place, keep=keep)

    assert interrupted.broken == 130
    assert interrupted.problems == ("interrupted",)
    assert not place.runs


@pytest.mark.parametrize("keep", [False, True])
def test_a_cloud_that_does_not_start_shows_its_log_and_is_swept(keep: bool) -> None:
    place = FakePlace(unable=CloudRefused("the cloud ended at once"))

    failed = found(place, keep=keep)

    assert failed.problems == ("the cloud ended at once",)
    assert failed.broken == 5
    assert failed.failing[0].log == ("the cloud said this last",)
    assert place.said == ["down", "up", "down"]


def test_what_cannot_be_torn_down_did_not_hold() -> None:
    failed = found(FakePlace(stuck=StorageError("it is still mounted")))

    assert failed.problems == ("tearing down: it is still mounted",)
    assert failed.broken == 8
