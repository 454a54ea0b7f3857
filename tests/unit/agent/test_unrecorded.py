"""A replica that has logged what it does not know as applied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.model import Agreement, Observed
from guestagent.agent.parting import SourceIdentity
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.agent.source_history import find_replaced
from guestagent.database.gtid import History
from guestagent.database.state import ServerError, ServerState, Unrecorded
from tests.unit.agent.states import (
    DIALECT,
    channel,
    history,
    knowing,
    replica_wanted,
    said,
    seen,
    server,
    source_seen,
)

STOPPED = channel(applier=False, applier_error=ServerError(1950, "out-of-order sequence number"))
MISSING = Unrecorded(history("0-7-4"), "0-7-5", "0-7-5")
KILLED = server("0-7-5", server_id=8, channel=STOPPED, unrecorded=MISSING)


def planned(observed: Observed) -> list[str]:
    return said(plan(replica_wanted(), observed, knowing(), DIALECT))


def test_what_the_source_has_under_its_own_id_is_recorded() -> None:
    assert planned(seen(KILLED, source_seen("0-7-9"))) == [
        "stop the channel",
        "record 0-7-5 as applied: this server has logged it",
        "start the channel",
    ]


def test_what_can_be_recorded_is_no_failure() -> None:
    found = readiness(replica_wanted(), seen(KILLED, source_seen("0-7-9")), knowing(), DIALECT)

    assert not found.final


def test_a_channel_that_applies_is_left_alone() -> None:
    assert planned(seen(replace(KILLED, channel=channel()), source_seen("0-7-9"))) == []


def test_nothing_is_recorded_before_the_source_was_seen() -> None:
    assert "record" not in " ".join(planned(seen(KILLED)))


def test_nothing_is_recorded_before_the_logs_were_compared() -> None:
    looked = replace(seen(KILLED, source_seen("0-7-9")), uncompared="no answer")

    assert "record" not in " ".join(planned(looked))


def test_what_the_source_does_not_have_is_not_recorded() -> None:
    assert planned(seen(KILLED, source_seen("0-7-4"))) == []


def test_what_is_logged_and_not_known_as_applied_does_not_count_as_history() -> None:
    observed = seen(replace(KILLED, channel=channel()), source_seen("0-7-5"))

    found = readiness(replica_wanted(), observed, knowing(), DIALECT)

    assert [each.agreement for each in found.conditions if each.name == "history"] == [Agreement.PENDING]


def test_what_the_servers_own_recovery_logged_is_not_blamed_on_anybody() -> None:
    recovered = replace(MISSING, gtids="0-8-5", position="0-8-5", recovered="0-8-5", is_certain=True)
    state = replace(KILLED, history=history("0-7-4,0-8-5"), unrecorded=recovered)

    worst = readiness(replica_wanted(), seen(state, source_seen("0-7-9")), knowing(), DIALECT).worst

    assert (worst.name, worst.agreement) == ("history", Agreement.FINAL)
    assert worst.seen.startswith("0-8-5, logged by the server's own recovery from a crash")
    assert planned(seen(state, source_seen("0-7-9"))) == []


@pytest.mark.parametrize(("state", "compared"), [(KILLED, 1), (replace(KILLED, channel=channel()), 0)])
def test_the_logs_are_compared_before_anything_is_recorded(state: ServerState, compared: int) -> None:
    calls: list[tuple[str, str]] = []

    def compare(since: History, until: History) -> str:
        calls.append((str(since), str(until)))
        return "0-7-5"

    found = find_replaced(None, SourceIdentity("10.0.0.7", 3306), state, source_seen("0-7-9"), compare)

    assert calls == [("0-7-4", "0-7-5")] * compared
    assert found == ("0-7-5" if compared else "")
