"""Accounts of ours that their server shuts, or may shut."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.journal_memory import Memory
from guestagent.agent.model import Agreement, Observed
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.database.state import EXPIRED, AccountState, ServerError, ServerState
from guestagent.database.steps import SetDemand, SetPassword, Step
from tests.unit.agent.states import DIALECT, PASSWORD, SLAVE, account, seen, server, source_wanted, stored

WANTED = source_wanted(SLAVE)


def holding(of: AccountState) -> ServerState:
    return server(server_id=7, read_only=False, marker=True, accounts=(of,))


def planned(observed: Observed) -> tuple[Step, ...]:
    return plan(WANTED, observed, Memory(), DIALECT)


def test_an_account_that_may_be_shut_gets_no_limits() -> None:
    observed = seen(holding(account(limited=True)))

    worst = readiness(WANTED, observed, Memory(), DIALECT).worst

    assert planned(observed) == (SetDemand(SLAVE, require_tls=False),)
    assert (worst.agreement, "may shut out" in worst.seen) == (Agreement.PENDING, True)


def test_an_account_of_somebody_else_keeps_its_limits() -> None:
    observed = seen(holding(account(limited=True, marked=False)))

    assert planned(observed) == ()
    assert readiness(WANTED, observed, Memory(), DIALECT).ready


def test_a_blocked_account_is_let_in_again() -> None:
    blocked = {SLAVE: ServerError(4150, "User is blocked because of too many credential errors")}

    assert planned(replace(seen(holding(account())), logins=blocked)) == (SetDemand(SLAVE, require_tls=False),)


def test_a_login_that_failed_for_another_reason_changes_nothing() -> None:
    refused = {SLAVE: ServerError(1040, "Too many connections")}

    assert planned(replace(seen(holding(account())), logins=refused)) == ()


def test_an_expired_password_is_given_again_and_the_old_one_beside_it_stays() -> None:
    expired = account(plugin=f"plain{EXPIRED}", proof=stored("pw"), retained=stored("old"))
    observed = seen(holding(replace(expired, proof=stored("another"))))

    (step,) = planned(seen(holding(expired)))

    assert isinstance(step, SetPassword)
    assert (step.password, step.retained, step.kept) == (PASSWORD, None, stored("old"))
    assert "expired" in readiness(WANTED, observed, Memory(), DIALECT).worst.seen
