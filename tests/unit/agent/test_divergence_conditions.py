"""The condition of a replica that has diverged, or that left out changes; no step is planned for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.divergence import Divergence, find_divergence
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import ConditionState, ObservedState
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide
from guestagent.database.state import ServerState
from tests.support.agent_states import (
    DIALECT,
    build_channel,
    build_desired_replica,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    judge_state,
    plan_allowed_steps,
)
from tests.support.divergences import AHEAD, HERE, build_stopped_server


def test_nothing_is_done_to_a_parted_replica_and_the_condition_names_the_way_out() -> None:
    observed = replace(
        build_observed(build_stopped_server(AHEAD), build_source_state("0-7-500")),
        divergence=Divergence(HERE, rejected=str(AHEAD)),
    )

    steps = plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)
    worst = judge_state(build_desired_replica(), observed, JournalState(), DIALECT).worst_condition

    assert steps == ()
    assert worst.state is ConditionState.FINAL
    assert "diverged from the source 10.0.0.7:3306" in worst.actual
    assert "guestagent accept-source" in worst.advice


def test_a_parted_replica_is_not_pointed_with_a_new_password_either() -> None:
    observed = ObservedState(
        build_server("0-7-5", channel=build_channel()),
        source=build_source_state("0-7-9"),
        divergence=Divergence(HERE, "0-7-5"),
    )

    assert plan_allowed_steps(build_desired_replica(), observed, build_memory("another"), DIALECT) == ()


def test_a_setting_that_left_out_changes_is_remembered_as_a_parting() -> None:
    mode = ReplicationSetting("slave_exec_mode", "IDEMPOTENT", ReplicationSide.REPLICA)
    replica = build_server("0-7-5", server_id=8, channel=build_channel(), harmful_settings=(mode,))

    divergence = find_divergence(HERE, replica, build_source_state("0-7-5"), None, DIALECT)

    assert divergence is not None
    assert divergence.skipped == "slave_exec_mode = IDEMPOTENT"
    assert divergence.has_skipped_only


@pytest.mark.parametrize(
    "replica",
    [
        build_server(
            "0-7-5",
            server_id=8,
            harmful_settings=(ReplicationSetting("replicate_do_db", "d", ReplicationSide.REPLICA),),
        ),
        build_server(
            server_id=8,
            channel=build_channel(
                filters=(ReplicationSetting("replicate_do_db", "d", ReplicationSide.REPLICA),)
            ),
        ),
        build_server(
            "0-7-5",
            server_id=8,
            channel=build_channel(),
            harmful_settings=(
                ReplicationSetting("sql_slave_skip_counter", "1", ReplicationSide.REPLICA, is_pending=True),
            ),
        ),
        build_server(
            "0-7-5",
            server_id=8,
            channel=build_channel(),
            harmful_settings=(ReplicationSetting("binlog_ignore_db", "d", ReplicationSide.SOURCE),),
        ),
    ],
)
def test_a_setting_that_has_left_out_nothing_yet_is_not(replica: ServerState) -> None:
    assert find_divergence(HERE, replica, build_source_state("0-7-5"), None, DIALECT) is None


def test_what_was_left_out_stays_final_once_the_setting_is_gone() -> None:
    divergence = Divergence(HERE, skipped="replicate_ignore_db = d")
    observed = replace(
        build_observed(
            build_server("0-7-5", server_id=8, channel=build_channel()), build_source_state("0-7-5")
        ),
        divergence=divergence,
    )

    condition = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (condition.name, condition.state) == ("skipped changes", ConditionState.FINAL)
    assert "changes were left out while this replica had replicate_ignore_db = d" in condition.actual
    assert "guestagent accept-source" in condition.advice
    assert not plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)


def test_a_setting_that_is_still_in_force_is_named_before_its_effect() -> None:
    mode = ReplicationSetting(
        "slave_exec_mode", "IDEMPOTENT", ReplicationSide.REPLICA, "SET GLOBAL slave_exec_mode = 'STRICT'"
    )
    replica = build_server("0-7-5", server_id=8, channel=build_channel(), harmful_settings=(mode,))
    observed = replace(
        build_observed(replica, build_source_state("0-7-5")), divergence=Divergence(HERE, skipped=str(mode))
    )

    assert (
        "SET GLOBAL"
        in judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition.advice
    )
