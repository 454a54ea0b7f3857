"""The rules of wait conditions and their handles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.embedded.heat.resources.wait_condition_rules import (
    CFN_SIGNAL_KEYS,
    HOT_SIGNAL_KEYS,
    ConditionFailed,
    ConditionMet,
    ConditionPending,
    Signals,
    accept_signal,
    build_timeout_error,
    evaluate_condition,
    format_data,
)

GOOD: dict[str, object] = {"Status": "SUCCESS", "Reason": "r", "UniqueId": "u", "Data": "d"}


def signals(**by_id: str) -> Signals:
    """`a="SUCCESS so"`: an id's status and reason."""
    split = {unique: output.partition(" ") for unique, output in by_id.items()}
    return {unique: {"Status": s, "Reason": r, "Data": unique} for unique, (s, _, r) in split.items()}


def test_a_signal_is_kept_under_its_id() -> None:
    accepted = accept_signal(GOOD, {}, CFN_SIGNAL_KEYS)

    assert accepted.signals == {"u": {"Status": "SUCCESS", "Reason": "r", "Data": "d"}}
    assert accepted.message == "Signal: status:SUCCESS reason:r"


def test_a_second_signal_with_the_same_id_replaces_the_first() -> None:
    once = accept_signal(GOOD, {}, CFN_SIGNAL_KEYS).signals

    twice = accept_signal({**GOOD, "Reason": "second"}, once, CFN_SIGNAL_KEYS).signals

    assert [signal["Reason"] for signal in twice.values()] == ["second"]


@pytest.mark.parametrize(("unique", "key"), [(None, "None"), ("", ""), (7, "7")])
def test_an_id_becomes_text(unique: object, key: str) -> None:
    assert list(accept_signal({**GOOD, "UniqueId": unique}, {}, CFN_SIGNAL_KEYS).signals) == [key]


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_body_without_one_of_its_keys_is_rejected(missing: str) -> None:
    with pytest.raises(ValueError, match="Metadata format invalid"):
        accept_signal({key: value for key, value in GOOD.items() if key != missing}, {}, CFN_SIGNAL_KEYS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_other_body_is_rejected(body: object) -> None:
    with pytest.raises(ValueError, match="Metadata format invalid"):
        accept_signal(body, {}, CFN_SIGNAL_KEYS)


@pytest.mark.parametrize(
    ("seen", "count", "verdict"),
    [
        (signals(), 1, ConditionPending()),
        (signals(a="SUCCESS"), 1, ConditionMet()),
        (signals(a="SUCCESS"), 2, ConditionPending()),
        (signals(a="SUCCESS", b="SUCCESS", c="SUCCESS"), 2, ConditionMet()),
        (signals(a="FAILURE why"), 2, ConditionFailed("why")),
        (signals(a="SUCCESS", b="FAILURE x", c="FAILURE y"), 1, ConditionFailed("x;y")),
    ],
)
def test_one_failure_fails_a_condition_and_enough_successes_complete_it(
    seen: Signals, count: int, verdict: object
) -> None:
    assert evaluate_condition(seen, count, CFN_SIGNAL_KEYS) == verdict


@pytest.mark.parametrize(
    ("seen", "output"),
    [(signals(), "0 of 2 received"), (signals(a="SUCCESS so it is"), "1 of 2 received - so it is")],
)
def test_a_timeout_lists_the_signals_received(seen: Signals, output: str) -> None:
    failure = build_timeout_error(seen, 2, CFN_SIGNAL_KEYS)

    assert (failure.error_type, str(failure)) == ("WaitConditionTimeout", output)


def test_the_data_of_all_signals_is_json_by_id() -> None:
    assert format_data(signals(a="SUCCESS", b="FAILURE late"), CFN_SIGNAL_KEYS) == '{"a": "a", "b": "b"}'


@pytest.mark.parametrize("body", [None, {}, []])
def test_an_empty_signal_to_a_hot_handle_is_a_success(body: object) -> None:
    accepted = accept_signal(body, {}, HOT_SIGNAL_KEYS)

    assert accepted.signals == {"1": {"status": "SUCCESS", "reason": "Signal 1 received", "data": None}}


def test_a_hot_handle_numbers_signals_without_ids() -> None:
    first = accept_signal({"data": "a"}, {}, HOT_SIGNAL_KEYS).signals

    second = accept_signal({"status": "FAILURE", "reason": "why"}, first, HOT_SIGNAL_KEYS).signals

    assert list(second) == ["1", "2"]
    assert evaluate_condition(second, 1, HOT_SIGNAL_KEYS) == ConditionFailed("why")
    assert format_data(second, HOT_SIGNAL_KEYS) == '{"1": "a", "2": null}'


@pytest.mark.parametrize("body", [{"Status": "SUCCESS"}, {"status": "success"}, {"extra": 1}, [1], "text", 7])
def test_a_hot_handle_rejects_other_keys_and_statuses(body: object) -> None:
    with pytest.raises(ValueError, match="Metadata format invalid"):
        accept_signal(body, {}, HOT_SIGNAL_KEYS)
