"""Managed accounts that the server blocks, or may block."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import ConditionState, ObservedState
from guestagent.database.state import EXPIRED_SUFFIX, AccountState, ServerError, ServerState
from guestagent.database.steps import SetDemand, SetPassword, Step
from tests.support.agent_states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    build_account,
    build_desired_source,
    build_observed,
    build_proof,
    build_server,
    judge_state,
    plan_allowed_steps,
)

DESIRED = build_desired_source(SLAVE)


def build_source_with(account: AccountState) -> ServerState:
    return build_server(server_id=7, read_only=False, has_marker=True, accounts=(account,))


def plan(observed: ObservedState) -> tuple[Step, ...]:
    return plan_allowed_steps(DESIRED, observed, JournalState(), DIALECT)


def test_limits_of_an_account_are_removed() -> None:
    observed = build_observed(build_source_with(build_account(is_limited=True)))

    worst = judge_state(DESIRED, observed, JournalState(), DIALECT).worst_condition

    assert plan(observed) == (SetDemand(SLAVE, require_tls=False),)
    assert (worst.state, "reach a limit" in worst.actual) == (ConditionState.PENDING, True)


def test_an_unmanaged_account_keeps_its_limits() -> None:
    observed = build_observed(build_source_with(build_account(is_limited=True, is_marked=False)))

    assert plan(observed) == ()
    assert judge_state(DESIRED, observed, JournalState(), DIALECT).is_ready


def test_a_blocked_account_is_unblocked() -> None:
    blocked = {SLAVE: ServerError(4150, "User is blocked because of too many credential errors")}

    assert plan(replace(build_observed(build_source_with(build_account())), login_errors=blocked)) == (
        SetDemand(SLAVE, require_tls=False),
    )


def test_a_login_that_failed_for_another_reason_changes_nothing() -> None:
    errors = {SLAVE: ServerError(1040, "Too many connections")}

    assert plan(replace(build_observed(build_source_with(build_account())), login_errors=errors)) == ()


def test_an_expired_password_is_set_again_and_the_retained_one_stays() -> None:
    expired = build_account(
        plugin=f"plain{EXPIRED_SUFFIX}", password_hash=build_proof("pw"), retained_hash=build_proof("old")
    )
    observed = build_observed(build_source_with(replace(expired, password_hash=build_proof("another"))))

    (step,) = plan(build_observed(build_source_with(expired)))

    assert isinstance(step, SetPassword)
    assert (step.password, step.current_hash, step.kept_hash) == (PASSWORD, None, build_proof("old"))
    assert "expired" in judge_state(DESIRED, observed, JournalState(), DIALECT).worst_condition.actual
