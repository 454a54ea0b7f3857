"""Data for which a source's binary log does not account: final, at the first look, and nothing is touched."""

from dataclasses import replace

from guestagent.agent.model import ConditionState
from guestagent.signal.payload import REASON_LENGTH_LIMIT
from tests.support.agent_states import (
    DIALECT,
    SLAVE,
    build_channel,
    build_desired_replica,
    build_desired_source,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    judge_state,
    plan_allowed_steps,
)

LOADED = build_server(server_id=1, schemas=("shop",), unlogged_data=("shop",))


def test_a_source_with_data_that_its_log_lacks_is_final_and_not_touched() -> None:
    observed = build_observed(LOADED)

    found = judge_state(build_desired_source(SLAVE), observed, build_memory(), DIALECT).worst_condition

    assert (found.name, found.state) == ("data", ConditionState.FINAL)
    assert found.actual == "a log that lacks the beginning of shop"
    assert "clean image" in found.advice
    assert not plan_allowed_steps(build_desired_source(SLAVE), observed, build_memory(), DIALECT)


def test_many_schemas_fit_in_a_signals_reason() -> None:
    names = tuple(f"customer_{number:04d}" for number in range(3000))

    found = judge_state(
        build_desired_source(), build_observed(replace(LOADED, unlogged_data=names)), build_memory(), DIALECT
    ).worst_condition

    assert "and 2990 more" in found.actual
    assert len(str(found)) < REASON_LENGTH_LIMIT


def test_an_empty_replica_does_not_follow_a_source_whose_log_lacks_some_of_its_data() -> None:
    observed = build_observed(build_server(server_id=8), build_source_state("0-5-9", unlogged_gtids="0-5-9"))

    found = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (found.name, found.state) == ("source", ConditionState.FINAL)
    assert "0-5-9" in found.actual
    assert not plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)


def test_a_replica_that_was_made_from_the_same_copy_may_follow_it() -> None:
    here = build_server("0-5-9", server_id=8, channel=build_channel())

    found = judge_state(
        build_desired_replica(),
        build_observed(here, build_source_state("0-5-9", unlogged_gtids="0-5-9")),
        build_memory(),
        DIALECT,
    )

    assert found.is_ready
