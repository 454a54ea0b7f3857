"""What the worker does with what it finds of an earlier CLONE."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.database.mysql.clone_state import CloneStatus
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ServerError
from guestagent.errors import SeedError
from guestagent.seeding.clone_decision import (
    CloneAction,
    CloneTarget,
    RecipientFacts,
    check_replaceable,
    check_status,
    decide_clone,
)

IN_PLACE, BESIDE = (
    CloneTarget("10.0.0.7:3306"),
    CloneTarget("10.0.0.7:3306", "/var/lib/guestagent-seed-a1/data"),
)
RUNNING = CloneStatus("In Progress", 23, "11:21", "10.0.0.7:3306", "LOCAL INSTANCE")
CUT = replace(RUNNING, process_id=0)
COMPLETE = replace(RUNNING, state="Completed", process_id=0)
HISTORY = MysqlHistory.parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5")


@pytest.mark.parametrize(
    ("status", "action"),
    [
        pytest.param(None, CloneAction.START, id="no CLONE yet"),
        pytest.param(RUNNING, CloneAction.FOLLOW, id="it goes on without its worker"),
        pytest.param(CUT, CloneAction.START, id="the server was killed"),
        pytest.param(replace(RUNNING, state="Failed"), CloneAction.START, id="it failed"),
        pytest.param(COMPLETE, CloneAction.ACCEPT, id="complete"),
        pytest.param(replace(RUNNING, source="10.0.0.8:3306"), CloneAction.RESTART, id="another source"),
        pytest.param(replace(COMPLETE, destination="/elsewhere/"), CloneAction.START, id="another place"),
        pytest.param(replace(COMPLETE, begin_time="09:00"), CloneAction.START, id="the one before this seed"),
    ],
)
def test_a_copy_in_place_goes_on_where_it_can(status: CloneStatus | None, action: CloneAction) -> None:
    facts = RecipientFacts(status)

    assert decide_clone(IN_PLACE, facts, "09:00", is_marked=True) is action


@pytest.mark.parametrize(
    ("status", "action"), [(RUNNING, CloneAction.RESTART), (COMPLETE, CloneAction.START)]
)
def test_a_clone_is_not_the_seeds_without_its_marker_or_its_memo(
    status: CloneStatus, action: CloneAction
) -> None:
    facts = RecipientFacts(status)

    assert decide_clone(IN_PLACE, facts, "", is_marked=False) is CloneAction.START
    assert decide_clone(IN_PLACE, facts, None, is_marked=True) is action


def test_a_copy_beside_the_data_needs_no_marker() -> None:
    facts = RecipientFacts(replace(COMPLETE, destination="/var/lib/guestagent-seed-a1/data/"))

    assert decide_clone(BESIDE, facts, "", is_marked=False) is CloneAction.ACCEPT


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (RecipientFacts(schemas=("shop", "wiki")), "schemas shop, wiki"),
        (RecipientFacts(history=HISTORY), "the transactions 3e11fa47"),
        (RecipientFacts(COMPLETE, ("shop",), HISTORY), "schemas shop"),
    ],
)
def test_data_that_nobody_has_given_up_are_not_replaced(facts: RecipientFacts, found: str) -> None:
    with pytest.raises(SeedError, match=found) as caught:
        check_replaceable(facts, replaces_data=False, is_marked=True)

    assert not caught.value.is_transient
    assert "nothing was touched" in caught.value.advice


def test_an_empty_server_and_data_that_were_given_up_may_be_replaced() -> None:
    check_replaceable(RecipientFacts(), replaces_data=False)
    check_replaceable(RecipientFacts(schemas=("shop",)), replaces_data=True)


def test_a_copy_of_this_seed_may_be_replaced_when_nothing_else_is_known_of_it() -> None:
    copy = RecipientFacts(replace(COMPLETE, history=HISTORY), ("shop",), HISTORY)

    check_replaceable(copy, replaces_data=False, is_marked=True)

    with pytest.raises(SeedError, match="schemas shop"):
        check_replaceable(copy, replaces_data=False)


@pytest.mark.parametrize(
    "status",
    [
        None,
        CUT,
        replace(COMPLETE, destination="/elsewhere/"),
        replace(CUT, error=ServerError(1317, "Query execution was interrupted")),
    ],
)
def test_a_copy_that_was_cut_is_not_complete(status: CloneStatus | None) -> None:
    with pytest.raises(SeedError, match="the copy was cut") as caught:
        check_status(status, IN_PLACE.destination)

    assert caught.value.is_transient


def test_a_copy_that_failed_shows_the_servers_error() -> None:
    status = replace(CUT, state="Failed", error=ServerError(3873, "Clone estimated database size is 5 GiB"))

    with pytest.raises(SeedError, match="the disk is full") as caught:
        check_status(status, IN_PLACE.destination)

    assert not caught.value.is_transient


def test_a_complete_copy_passes() -> None:
    check_status(COMPLETE, IN_PLACE.destination)
