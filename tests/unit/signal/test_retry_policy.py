from __future__ import annotations

import pytest

from guestagent.errors import HandleRefused, HandleUnreachable, SignalError
from guestagent.signal import HandleBroken, HandleDoubted, RetryPolicy

POLICY = RetryPolicy(doubt_timeout_s=120, url_lifetime_s=900, server_error_timeout_s=3600)
DAY = 86400.0


@pytest.mark.parametrize(
    ("error", "lasted", "age", "hopeless"),
    [
        (HandleUnreachable(), DAY, DAY, False),
        (HandleRefused(), 0, 0, True),
        (HandleDoubted(), 119, DAY, False),
        (HandleDoubted(), 120, 0, True),
        (HandleBroken(), DAY, None, False),
        (HandleBroken(), DAY, 899, False),
        (HandleBroken(), 3599, DAY, False),
        (HandleBroken(), 3600, 5000, True),
    ],
)
def test_hope_depends_on_the_kind_of_error(
    error: SignalError, lasted: float, age: float | None, hopeless: bool
) -> None:
    assert POLICY.is_permanent(error, lasted, age) is hopeless
