from __future__ import annotations

import pytest

from guestagent.errors import HandleRefused, HandleUnreachable, SignalError
from guestagent.signal.answers import HandleBroken, HandleDoubted, judge
from guestagent.signal.handle import target
from tests.unit.signal.handles import HIDDEN, cfn, minutes_later


def answered(status: int, text: str = "", minutes: float = 1) -> SignalError:
    """The error that an answer means."""
    with pytest.raises(SignalError) as raised:
        judge(status, text, target(cfn()), minutes_later(minutes))
    return raised.value


def test_heats_own_word_is_an_acceptance() -> None:
    judge(200, "<resource>Master0000ReadyWaitCondHandle</resource>", target(cfn()), minutes_later(1))


@pytest.mark.parametrize("text", ["", "null", "<html>Please log in</html>"])
def test_any_other_200_is_somebody_elses(text: str) -> None:
    assert type(answered(200, text)) is HandleUnreachable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, HandleUnreachable),
        (302, HandleUnreachable),
        (400, HandleRefused),
        (401, HandleDoubted),
        (403, HandleDoubted),
        (404, HandleRefused),
        (407, HandleUnreachable),
        (410, HandleRefused),
        (413, HandleRefused),
        (418, HandleDoubted),
        (429, HandleUnreachable),
        (500, HandleBroken),
        (503, HandleBroken),
    ],
)
def test_every_status_has_its_class(status: int, kind: type[SignalError]) -> None:
    error = answered(status)

    assert type(error) is kind
    assert str(status) in str(error)
    assert HIDDEN not in str(error)


def test_a_body_that_heat_does_not_understand_is_not_sent_again() -> None:
    error = answered(500, "<Message>ValueError: resources.H: Metadata format invalid</Message>")

    assert type(error) is HandleRefused


def test_a_403_says_all_four_readings_and_the_age() -> None:
    said = str(answered(403, minutes=17))

    for reading in ("expired (signed 17 minutes ago", "altered", "stack is gone", "another Host"):
        assert reading in said


def test_a_url_from_the_future_points_at_the_clock() -> None:
    assert "signed 30 minutes in the future: is this machine's clock right?" in str(
        answered(403, minutes=-30)
    )
