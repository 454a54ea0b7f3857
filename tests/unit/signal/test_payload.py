from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guestagent.signal.payload import MOST_DATA, MOST_REASON, body, fitted_data, fitted_reason
from tests.unit.signal.handles import cfn, failure, hot, success

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_a_url_is_told_in_the_keys_of_cloudformation_and_in_no_others() -> None:
    said = json.loads(body(cfn(), "slave0000-2", success("slave0000 is ready", role="replica")))

    assert said == {
        "Status": "SUCCESS",
        "Reason": "slave0000 is ready",
        "UniqueId": "slave0000-2",
        "Data": {"role": "replica"},
    }


def test_a_hot_handle_is_told_in_lower_case() -> None:
    said = json.loads(body(hot(alarm_url="http://heat.test/"), "node-1", failure("no binary log")))

    assert said == {"status": "FAILURE", "reason": "no binary log", "id": "node-1", "data": {}}


def test_a_long_reason_keeps_its_beginning() -> None:
    reason = fitted_reason("x" * 5000)

    assert len(reason) == MOST_REASON
    assert reason.startswith("xxx")
    assert reason.endswith("…")


def test_a_reason_is_one_line_of_what_a_utf8mb3_column_stores() -> None:
    assert fitted_reason("größer\nals\t\x00 gut \U0001f600 \ud800") == "größer als \\x00 gut ? \\ud800"


def test_characters_that_steer_a_terminal_are_spelled_in_a_reason() -> None:
    assert fitted_reason("\x1b[2J \u202eYDAER \x9b1m") == r"\x1b[2J \u202eYDAER \x9b1m"


def test_the_longest_values_give_way_where_there_is_too_much_data() -> None:
    fitted = fitted_data({"gtid": "g" * MOST_DATA, "role": "replica", "lag": 0})

    assert fitted == {"gtid": f"left out: {MOST_DATA + 2} characters", "role": "replica", "lag": 0}


def test_data_of_very_many_keys_says_how_many_they_were() -> None:
    assert fitted_data({str(n): n for n in range(10_000)}) == {"left_out": "10000 keys"}


def test_a_lag_that_is_no_number_is_not_known() -> None:
    assert fitted_data({"lag": float("nan"), "seconds": (0.5, 1)}) == {"lag": None, "seconds": [0.5, 1]}


@given(reason=st.text(), data=st.dictionaries(st.text(), ANYTHING))
def test_every_body_is_short_ascii_json_without_surprises(reason: str, data: dict[str, object]) -> None:
    sent = body(cfn(), "node-1", success(reason, **data))

    said = json.loads(sent.decode("ascii"), parse_constant=lambda name: 1 / 0)
    assert set(said) == {"Status", "Reason", "UniqueId", "Data"}
    assert len(sent) < MOST_DATA + 6 * MOST_REASON + 200
    assert fitted_data(said["Data"]) == said["Data"]
