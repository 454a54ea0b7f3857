from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guestagent.signal import SignalOutcome, SignalStatus
from guestagent.signal.payload import (
    DATA_SIZE_LIMIT,
    REASON_LENGTH_LIMIT,
    build_body,
    truncate_data,
    truncate_reason,
)
from tests.support.signal_handles import build_cfn_handle, build_failure, build_hot_handle, build_success

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_a_url_is_signalled_with_the_keys_of_cloudformation_alone() -> None:
    body = json.loads(
        build_body(build_cfn_handle(), "slave0000-2", build_success("slave0000 is ready", role="replica"))
    )

    assert body == {
        "Status": "SUCCESS",
        "Reason": "slave0000 is ready",
        "UniqueId": "slave0000-2",
        "Data": {"role": "replica"},
    }


def test_a_hot_handle_is_signalled_with_lower_case_keys() -> None:
    body = json.loads(
        build_body(build_hot_handle(alarm_url="http://heat.test/"), "node-1", build_failure("no binary log"))
    )

    assert body == {"status": "FAILURE", "reason": "no binary log", "id": "node-1", "data": {}}


def test_a_long_reason_keeps_its_beginning() -> None:
    reason = truncate_reason("x" * 5000)

    assert len(reason) == REASON_LENGTH_LIMIT
    assert reason.startswith("xxx")
    assert reason.endswith("…")


def test_a_reason_is_one_line_of_what_a_utf8mb3_column_stores() -> None:
    assert truncate_reason("größer\nals\t\x00 gut \U0001f600 \ud800") == "größer als \\x00 gut ? \\ud800"


def test_characters_that_steer_a_terminal_are_spelled_in_a_reason() -> None:
    assert truncate_reason("\x1b[2J \u202eYDAER \x9b1m") == r"\x1b[2J \u202eYDAER \x9b1m"


def test_the_longest_values_give_way_where_there_is_too_much_data() -> None:
    fitted = truncate_data({"gtid": "g" * DATA_SIZE_LIMIT, "role": "replica", "lag": 0})

    assert fitted == {"gtid": f"left out: {DATA_SIZE_LIMIT + 2} characters", "role": "replica", "lag": 0}


def test_data_of_very_many_keys_contains_their_number() -> None:
    assert truncate_data({str(n): n for n in range(10_000)}) == {"left_out": "10000 keys"}


def test_a_lag_that_is_no_number_is_not_known() -> None:
    assert truncate_data({"lag": float("nan"), "seconds": (0.5, 1)}) == {"lag": None, "seconds": [0.5, 1]}


@given(reason=st.text(), data=st.dictionaries(st.text(), ANYTHING))
def test_every_body_is_short_ascii_json_without_surprises(reason: str, data: dict[str, object]) -> None:
    outcome = SignalOutcome(SignalStatus.SUCCESS, reason, data)
    sent = build_body(build_cfn_handle(), "node-1", outcome)

    body = json.loads(sent.decode("ascii"), parse_constant=lambda name: 1 / 0)
    assert set(body) == {"Status", "Reason", "UniqueId", "Data"}
    assert len(sent) < DATA_SIZE_LIMIT + 6 * REASON_LENGTH_LIMIT + 200
    assert truncate_data(body["Data"]) == body["Data"]
