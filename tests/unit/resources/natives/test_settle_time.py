"""The settle time is a setting: a cloud behind slow proxies needs a longer one."""

from __future__ import annotations

import pytest

from guestagent.resources.natives.absence import SECOND_LOOK_S, SETTLE_S, update_absences
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourceRecord

KEY = ResourceKey("shop", ResourceKind.VOLUME, "Master0000")
RECORD = ResourceRecord(key=KEY, intended_at=1000.0)


@pytest.mark.parametrize("settle_s", [SETTLE_S, 600.0])
def test_absence_is_believed_after_the_settle_time_and_two_looks(settle_s: float) -> None:
    too_early = update_absences({}, [RECORD], 1000 + settle_s - 1, settle_s)
    first = update_absences(too_early, [RECORD], 1000 + settle_s, settle_s)
    now = 1000 + settle_s + SECOND_LOOK_S

    assert not first[KEY].is_believed(RECORD, 1000 + settle_s, settle_s)
    assert first[KEY].is_believed(RECORD, now, settle_s)
    assert not too_early[KEY].is_believed(RECORD, now, settle_s)
