"""Settings with which changes are left out: final, named, and nothing is touched."""

from dataclasses import replace

import pytest

from guestagent.agent.model import Agreement, Condition, Desired, Observed
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.database.channel_options import StrayOption
from guestagent.database.replication_settings import End, ReplicationSetting
from guestagent.signal.payload import MOST_REASON
from tests.unit.agent.states import (
    DIALECT,
    SLAVE,
    account,
    channel,
    knowing,
    replica_wanted,
    said,
    seen,
    server,
    source_seen,
    source_wanted,
)

FILTER = ReplicationSetting("replicate_ignore_db", "d", End.REPLICA, "SET GLOBAL replicate_ignore_db = ''")
LOG_FILTER = ReplicationSetting("binlog_ignore_db", "d", End.SOURCE)
STATEMENTS = ReplicationSetting(
    "binlog_format", "STATEMENT", End.SOURCE, "SET GLOBAL binlog_format = 'ROW'", managed=True
)
SOURCE = server("0-7-5", server_id=7, read_only=False, marker=True, accounts=(account(),))
REPLICA = server("0-7-5", server_id=8, channel=channel())
SEEN = source_seen("0-7-5")


def worst(desired: Desired, observed: Observed) -> Condition:
    return readiness(desired, observed, knowing(), DIALECT).worst


@pytest.mark.parametrize(
    ("desired", "observed", "told"),
    [
        (
            replica_wanted(),
            seen(replace(REPLICA, skipping=(FILTER,)), SEEN),
            "replicate_ignore_db = d on this replica",
        ),
        (
            replica_wanted(),
            seen(replace(REPLICA, channel=channel(filters=(FILTER,))), SEEN),
            "replicate_ignore_db = d on this replica",
        ),
        (
            replica_wanted(),
            seen(replace(REPLICA, skipping=(FILTER, LOG_FILTER)), SEEN),
            "replicate_ignore_db = d, binlog_ignore_db = d on this replica",
        ),
        (
            replica_wanted(),
            seen(REPLICA, replace(SEEN, skipping=(FILTER, LOG_FILTER))),
            "binlog_ignore_db = d on the source",
        ),
        (
            source_wanted(SLAVE),
            seen(replace(SOURCE, skipping=(FILTER, LOG_FILTER))),
            "binlog_ignore_db = d on this source",
        ),
        (
            source_wanted(SLAVE),
            seen(replace(SOURCE, skipping=(STATEMENTS,))),
            "binlog_format = STATEMENT on this source",
        ),
    ],
)
def test_a_setting_that_leaves_out_changes_is_final_and_named(
    desired: Desired, observed: Observed, told: str
) -> None:
    found = worst(desired, observed)

    assert (found.name, found.agreement, found.seen) == ("skipped changes", Agreement.FINAL, told)


def test_what_to_do_names_the_setting_and_what_takes_it_back() -> None:
    do = worst(replica_wanted(), seen(replace(REPLICA, skipping=(FILTER, LOG_FILTER)), SEEN)).do

    assert "replicate_ignore_db" in do
    assert "SET GLOBAL replicate_ignore_db = ''" in do
    assert "restart it for binlog_ignore_db" in do
    assert "clean image" in do


@pytest.mark.parametrize(
    "state",
    [
        server(server_id=8, skipping=(FILTER,)),
        replace(REPLICA, channel=channel(filters=(FILTER,), applier=False)),
    ],
)
def test_a_channel_with_filters_is_neither_made_nor_started(state: object) -> None:
    assert not plan(replica_wanted(), seen(state, SEEN), knowing(), DIALECT)  # type: ignore[arg-type]


DELAYED = StrayOption("MASTER_DELAY", "3600")
IGNORES = StrayOption("IGNORE_SERVER_IDS", "7", skips=True)


def test_a_left_over_option_of_the_channel_is_repaired() -> None:
    observed = seen(replace(REPLICA, channel=channel(strays=(DELAYED,))), SEEN)

    steps = plan(replica_wanted(), observed, knowing(), DIALECT)

    assert said(steps) == [
        "stop the channel",
        "point the channel at 10.0.0.7:3306 as slave0000, by GTID",
        "start the channel",
    ]
    assert "MASTER_DELAY = 3600" in worst(replica_wanted(), observed).seen


def test_an_option_by_which_changes_may_be_missing_is_final() -> None:
    observed = seen(replace(REPLICA, channel=channel(strays=(DELAYED, IGNORES))), SEEN)

    found = worst(replica_wanted(), observed)

    assert (found.agreement, found.seen) == (Agreement.FINAL, "IGNORE_SERVER_IDS = 7 on this replica")
    assert "CHANGE MASTER TO IGNORE_SERVER_IDS = ()" in found.do
    assert not plan(replica_wanted(), observed, knowing(), DIALECT)


def test_such_an_option_is_repaired_while_nothing_was_applied() -> None:
    observed = seen(server(server_id=8, channel=channel(strays=(IGNORES,))), SEEN)

    steps = plan(replica_wanted(), observed, knowing(), DIALECT)

    assert "stop the channel" in said(steps)


def test_a_source_may_have_filters_for_a_channel_that_it_does_not_have() -> None:
    assert readiness(source_wanted(SLAVE), seen(replace(SOURCE, skipping=(FILTER,))), knowing(), DIALECT).ready


def test_a_replica_may_log_as_it_likes() -> None:
    assert readiness(
        replica_wanted(), seen(replace(REPLICA, skipping=(STATEMENTS,)), SEEN), knowing(), DIALECT
    ).ready


def test_the_worst_list_of_filters_fits_in_a_signals_reason() -> None:
    many = tuple(
        ReplicationSetting(f"replicate_wild_ignore_table_{n}", "d.t%," * 999, End.REPLICA, "SET GLOBAL x = ''")
        for n in range(7)
    )

    assert len(str(worst(replica_wanted(), seen(replace(REPLICA, skipping=many), SEEN)))) < MOST_REASON
