"""Accounts of ours that their server shuts, or may shut."""

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

WANTED = build_desired_source(SLAVE)


def holding(of: AccountState) -> ServerState:
    return build_server(server_id=7, read_only=False, has_marker=True, accounts=(of,))


def planned(observed: ObservedState) -> tuple[Step, ...]:
    return plan_allowed_steps(WANTED, observed, JournalState(), DIALECT)


def test_an_account_that_may_be_shut_gets_no_limits() -> None:
    observed = build_observed(holding(build_account(is_limited=True)))

    worst = judge_state(WANTED, observed, JournalState(), DIALECT).worst_condition

    assert planned(observed) == (SetDemand(SLAVE, require_tls=False),)
    assert (worst.state, "may shut out" in worst.actual) == (ConditionState.PENDING, True)


def test_an_account_of_somebody_else_keeps_its_limits() -> None:
    observed = build_observed(holding(build_account(is_limited=True, is_marked=False)))

    assert planned(observed) == ()
    assert judge_state(WANTED, observed, JournalState(), DIALECT).is_ready


def test_a_blocked_account_is_let_in_again() -> None:
    blocked = {SLAVE: ServerError(4150, "User is blocked because of too many credential errors")}

    assert planned(replace(build_observed(holding(build_account())), login_errors=blocked)) == (
        SetDemand(SLAVE, require_tls=False),
    )


def test_a_login_that_failed_for_another_reason_changes_nothing() -> None:
    refused = {SLAVE: ServerError(1040, "Too many connections")}

    assert planned(replace(build_observed(holding(build_account())), login_errors=refused)) == ()


def test_an_expired_password_is_given_again_and_the_old_one_beside_it_stays() -> None:
    expired = build_account(
        plugin=f"plain{EXPIRED_SUFFIX}", password_hash=build_proof("pw"), retained_hash=build_proof("old")
    )
    observed = build_observed(holding(replace(expired, password_hash=build_proof("another"))))

    (step,) = planned(build_observed(holding(expired)))

    assert isinstance(step, SetPassword)
    assert (step.password, step.current_hash, step.kept_hash) == (PASSWORD, None, build_proof("old"))
    assert "expired" in judge_state(WANTED, observed, JournalState(), DIALECT).worst_condition.actual
