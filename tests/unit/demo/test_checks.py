"""Every check that fails is reported in one sentence; one that passes is not reported."""

from __future__ import annotations

from guestagent.demo import checks

THREE = frozenset({1, 2, 3})


def test_more_than_was_acknowledged_lacks_nothing() -> None:
    assert checks.check_acknowledged_rows("Slave0000", 2, THREE) == ()


def test_lost_rows_are_counted_and_the_first_is_named() -> None:
    message = checks.check_acknowledged_rows("Slave0000", 5, THREE)

    assert message == ("Slave0000 lacks 2 of 5 acknowledged rows, the first is 4",)


def test_a_replica_like_its_source_is_fine() -> None:
    assert checks.check_replica_rows("Slave0000", THREE, THREE) == ()


def test_a_replica_may_differ_both_ways() -> None:
    message = checks.check_replica_rows("Slave0000", THREE, frozenset({1, 7}))

    assert message == ("Slave0000 lacks 2 rows of the source and has 1 of its own",)


def test_new_rows_were_read_where_more_are_shown_than_there_were_before() -> None:
    assert checks.check_new_rows("Slave0000", 10, 11) == ()
    assert checks.check_new_rows("Slave0000", 10, 10) != ()


def test_servers_that_stay_are_named() -> None:
    assert checks.check_removed_servers(["Slave0001"]) == ("the server of Slave0001 still exists",)


def test_of_dangerous_reads_the_first_is_shown() -> None:
    assert checks.check_dangerous_reads(()) == ()
    assert checks.check_dangerous_reads(("outputs of demo", "template of demo")) == (
        "2 unsafe reads of a stack in progress, the first: outputs of demo",
    )
