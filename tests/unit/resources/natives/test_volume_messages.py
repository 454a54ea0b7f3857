"""Why a volume was not created or did not grow, by Cinder's messages."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.volume_messages import (
    CloudMessage,
    choose_failure_code,
    find_failure,
    join_messages,
)
from guestagent.resources.operation import RefusalCode

DRIVER = "create volume:Driver failed to create the volume."
NO_BACKEND = "extend volume:Could not find any available weighted backend."


def test_the_reason_of_a_volume_comes_before_what_followed_from_it() -> None:
    messages = [CloudMessage(text) for text in (DRIVER, DRIVER, NO_BACKEND)]

    assert join_messages(messages) == f"{DRIVER}; {NO_BACKEND}"


def test_a_volume_without_messages_has_no_reason() -> None:
    assert join_messages([]) == ""


@pytest.mark.parametrize(
    ("request_id", "reason"),
    [("req-2", NO_BACKEND), ("req-3", ""), ("", "")],
    ids=["own", "other", "unknown"],
)
def test_a_request_has_failed_for_the_reasons_of_its_own_messages(request_id: str, reason: str) -> None:
    messages = [CloudMessage(DRIVER, "req-1"), CloudMessage(NO_BACKEND, "req-2"), CloudMessage(DRIVER, "")]

    assert find_failure(messages, request_id) == reason


@pytest.mark.parametrize(
    ("reason", "code"), [(NO_BACKEND, RefusalCode.NO_CAPACITY), (DRIVER, RefusalCode.REFUSED)]
)
def test_a_cloud_without_room_is_told_from_one_that_fails(reason: str, code: RefusalCode) -> None:
    assert choose_failure_code(reason) is code
