"""Passwords that a person sets on the source beside the agent, on each flavour."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.journals import lose_journal
from tests.support.rotating_pair import ADD_PASSWORD, FOREIGN, NEW, OLD, REPLACE_PASSWORD, Pair

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("statements", [REPLACE_PASSWORD, ADD_PASSWORD], ids=["another", "beside"])
def test_the_next_pass_removes_a_password_set_by_hand_and_no_replica_is_rejected(
    pair: Pair, statements: Mapping[str, str]
) -> None:
    pair.change_by_hand(statements)
    before = pair.check_logins(OLD, FOREIGN)

    report = pair.source.apply(pair.build_source(OLD, 1))

    assert before == [True, True]
    assert report["state"] == "ready"
    assert pair.check_logins(OLD, FOREIGN) == [True, False]
    pair.reconnect()


def test_a_rotation_after_a_change_by_hand_retains_the_agents_own_password(pair: Pair) -> None:
    pair.change_by_hand(REPLACE_PASSWORD)

    report = pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))

    assert report["state"] == "ready"
    assert pair.check_logins(OLD, NEW, FOREIGN) == [True, True, False]
    pair.reconnect()


def test_a_change_by_hand_during_a_rotation_keeps_the_retained_password_valid(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))
    plain = {
        "mariadb": REPLACE_PASSWORD["mariadb"],
        "mysql": "ALTER USER slave0000 IDENTIFIED BY '{foreign}'",
    }
    pair.change_by_hand(plain)
    before = pair.check_logins(OLD, NEW, FOREIGN)

    report = pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))

    assert before == [True, False, True]
    assert report["state"] == "ready"
    assert pair.check_logins(OLD, NEW, FOREIGN) == [True, True, False]
    pair.reconnect()


def test_without_a_journal_a_second_password_stays_until_the_next_generation(pair: Pair) -> None:
    pair.change_by_hand(ADD_PASSWORD)
    lose_journal(pair.source.folder / "state")

    pair.source.apply(pair.build_source(OLD, 1))
    accepted_before = pair.check_logins(OLD, FOREIGN)
    pair.source.apply(pair.build_source(OLD, 2))

    assert accepted_before == [True, True]
    assert pair.check_logins(OLD, FOREIGN) == [True, False]
