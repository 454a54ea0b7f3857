"""Data for which a source's binary log does not account: final, at the first look, and nothing is touched."""

from dataclasses import replace

from guestagent.agent.model import Agreement
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.signal.payload import MOST_REASON
from tests.unit.agent.states import (
    DIALECT,
    SLAVE,
    channel,
    knowing,
    replica_wanted,
    seen,
    server,
    source_seen,
    source_wanted,
)

LOADED = server(server_id=1, schemas=("shop",), unlogged=("shop",))


def test_a_source_with_data_that_its_log_lacks_is_final_and_not_touched() -> None:
    observed = seen(LOADED)

    found = readiness(source_wanted(SLAVE), observed, knowing(), DIALECT).worst

    assert (found.name, found.agreement) == ("data", Agreement.FINAL)
    assert found.seen == "a log that lacks the beginning of shop"
    assert "clean image" in found.do
    assert not plan(source_wanted(SLAVE), observed, knowing(), DIALECT)


def test_many_schemas_fit_in_a_signals_reason() -> None:
    names = tuple(f"customer_{number:04d}" for number in range(3000))

    found = readiness(source_wanted(), seen(replace(LOADED, unlogged=names)), knowing(), DIALECT).worst

    assert "and 2990 more" in found.seen
    assert len(str(found)) < MOST_REASON


def test_an_empty_replica_does_not_follow_a_source_whose_log_lacks_some_of_its_data() -> None:
    observed = seen(server(server_id=8), source_seen("0-5-9", unlogged="0-5-9"))

    found = readiness(replica_wanted(), observed, knowing(), DIALECT).worst

    assert (found.name, found.agreement) == ("source", Agreement.FINAL)
    assert "0-5-9" in found.seen
    assert not plan(replica_wanted(), observed, knowing(), DIALECT)


def test_a_replica_that_was_made_from_the_same_copy_may_follow_it() -> None:
    here = server("0-5-9", server_id=8, channel=channel())

    found = readiness(replica_wanted(), seen(here, source_seen("0-5-9", unlogged="0-5-9")), knowing(), DIALECT)

    assert found.ready
