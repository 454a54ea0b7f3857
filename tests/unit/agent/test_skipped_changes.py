"""Settings with which changes are left out: final, named, and nothing is touched."""

from dataclasses import replace

import pytest

from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState
from guestagent.database.channel_options import UnexpectedOption
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide
from guestagent.database.state import ServerState
from guestagent.database.steps import PointChannel, StartChannel, StopChannel
from guestagent.signal.payload import REASON_LENGTH_LIMIT
from tests.support.agent_states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    build_account,
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

FILTER = ReplicationSetting(
    "replicate_ignore_db", "d", ReplicationSide.REPLICA, "SET GLOBAL replicate_ignore_db = ''"
)
LOG_FILTER = ReplicationSetting("binlog_ignore_db", "d", ReplicationSide.SOURCE)
STATEMENTS = ReplicationSetting(
    "binlog_format", "STATEMENT", ReplicationSide.SOURCE, "SET GLOBAL binlog_format = 'ROW'", is_managed=True
)
SOURCE = build_server("0-7-5", server_id=7, read_only=False, has_marker=True, accounts=(build_account(),))
REPLICA = build_server("0-7-5", server_id=8, channel=build_channel())
SEEN = build_source_state("0-7-5")


def worst(desired: DesiredState, observed: ObservedState) -> Condition:
    return judge_state(desired, observed, build_memory(), DIALECT).worst_condition


@pytest.mark.parametrize(
    ("desired", "observed", "output"),
    [
        (
            build_desired_replica(),
            build_observed(replace(REPLICA, harmful_settings=(FILTER,)), SEEN),
            "replicate_ignore_db = d on this replica",
        ),
        (
            build_desired_replica(),
            build_observed(replace(REPLICA, channel=build_channel(filters=(FILTER,))), SEEN),
            "replicate_ignore_db = d on this replica",
        ),
        (
            build_desired_replica(),
            build_observed(replace(REPLICA, harmful_settings=(FILTER, LOG_FILTER)), SEEN),
            "replicate_ignore_db = d, binlog_ignore_db = d on this replica",
        ),
        (
            build_desired_replica(),
            build_observed(REPLICA, replace(SEEN, harmful_settings=(FILTER, LOG_FILTER))),
            "binlog_ignore_db = d on the source",
        ),
        (
            build_desired_source(SLAVE),
            build_observed(replace(SOURCE, harmful_settings=(FILTER, LOG_FILTER))),
            "binlog_ignore_db = d on this source",
        ),
        (
            build_desired_source(SLAVE),
            build_observed(replace(SOURCE, harmful_settings=(STATEMENTS,))),
            "binlog_format = STATEMENT on this source",
        ),
    ],
)
def test_a_setting_that_leaves_out_changes_is_final_and_named(
    desired: DesiredState, observed: ObservedState, output: str
) -> None:
    found = worst(desired, observed)

    assert (found.name, found.state, found.actual) == ("skipped changes", ConditionState.FINAL, output)


def test_what_to_do_names_the_setting_and_what_takes_it_back() -> None:
    do = worst(
        build_desired_replica(), build_observed(replace(REPLICA, harmful_settings=(FILTER, LOG_FILTER)), SEEN)
    ).advice

    assert "replicate_ignore_db" in do
    assert "SET GLOBAL replicate_ignore_db = ''" in do
    assert "restart it for binlog_ignore_db" in do
    assert "clean image" in do


@pytest.mark.parametrize(
    "state",
    [
        build_server(server_id=8, harmful_settings=(FILTER,)),
        replace(REPLICA, channel=build_channel(filters=(FILTER,), is_applier_running=False)),
    ],
)
def test_a_channel_with_filters_is_neither_made_nor_started(state: ServerState) -> None:
    assert not plan_allowed_steps(build_desired_replica(), build_observed(state, SEEN))


DELAYED = UnexpectedOption("MASTER_DELAY", "3600")
IGNORES = UnexpectedOption("IGNORE_SERVER_IDS", "7", can_skip_changes=True)


def test_a_left_over_option_of_the_channel_is_repaired() -> None:
    observed = build_observed(replace(REPLICA, channel=build_channel(unexpected_options=(DELAYED,))), SEEN)

    steps = plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)

    point = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)
    assert steps == (StopChannel(), point, StartChannel())
    assert "MASTER_DELAY = 3600" in worst(build_desired_replica(), observed).actual


def test_an_option_by_which_changes_may_be_missing_is_final() -> None:
    observed = build_observed(
        replace(REPLICA, channel=build_channel(unexpected_options=(DELAYED, IGNORES))), SEEN
    )

    found = worst(build_desired_replica(), observed)

    assert (found.state, found.actual) == (ConditionState.FINAL, "IGNORE_SERVER_IDS = 7 on this replica")
    assert "CHANGE MASTER TO IGNORE_SERVER_IDS = ()" in found.advice
    assert not plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)


def test_such_an_option_is_repaired_while_nothing_was_applied() -> None:
    observed = build_observed(
        build_server(server_id=8, channel=build_channel(unexpected_options=(IGNORES,))), SEEN
    )

    steps = plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)

    assert StopChannel() in steps


def test_a_source_may_have_filters_for_a_channel_that_it_does_not_have() -> None:
    assert judge_state(
        build_desired_source(SLAVE),
        build_observed(replace(SOURCE, harmful_settings=(FILTER,))),
        build_memory(),
        DIALECT,
    ).is_ready


def test_a_replica_may_log_as_it_likes() -> None:
    assert judge_state(
        build_desired_replica(),
        build_observed(replace(REPLICA, harmful_settings=(STATEMENTS,)), SEEN),
        build_memory(),
        DIALECT,
    ).is_ready


def test_the_worst_list_of_filters_fits_in_a_signals_reason() -> None:
    many = tuple(
        ReplicationSetting(
            f"replicate_wild_ignore_table_{n}", "d.t%," * 999, ReplicationSide.REPLICA, "SET GLOBAL x = ''"
        )
        for n in range(7)
    )

    assert (
        len(
            str(worst(build_desired_replica(), build_observed(replace(REPLICA, harmful_settings=many), SEEN)))
        )
        < REASON_LENGTH_LIMIT
    )
