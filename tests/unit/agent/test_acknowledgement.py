"""A replica that has what its semi-synchronous source does not show yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.agent.acknowledgement import GRACE_S, AcknowledgementWait
from guestagent.agent.model import Agreement, Observed
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.database.mysql.gtidset import MysqlHistory
from guestagent.database.state import SourceState
from tests.unit.agent.states import DIALECT, channel, knowing, replica_wanted, server, source_seen

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
AHEAD = server(server_id=8, history=MysqlHistory.of(f"{UUID}:1-6"), channel=channel())


def waiting(**changes: Any) -> SourceState:
    shown = MysqlHistory.of(f"{UUID}:1-5")
    seen = replace(source_seen(), history=shown, uuid=UUID, waiting_sessions=1, acknowledgement_timeout=20.0)
    return replace(seen, **changes)


def test_what_waits_for_an_acknowledgement_is_pending_and_nothing_is_done() -> None:
    observed = Observed(AHEAD, source=waiting(), target=waiting().history)

    worst = readiness(replica_wanted(), observed, knowing(), DIALECT).worst

    assert (worst.name, worst.agreement) == ("history", Agreement.PENDING)
    assert "acknowledgement" in worst.seen
    assert plan(replica_wanted(), observed, knowing(), DIALECT) == ()


def test_a_source_is_believed_for_its_own_timeout() -> None:
    wait = AcknowledgementWait()

    seen = [wait.limit(AHEAD, waiting(), now).waiting_sessions for now in (100, 120 + GRACE_S, 121 + GRACE_S)]

    assert seen == [1, 1, 0]


def test_a_source_that_has_shown_it_is_believed_anew() -> None:
    wait = AcknowledgementWait()
    wait.limit(AHEAD, waiting(), 100)
    wait.limit(AHEAD, waiting(history=AHEAD.history), 110)

    assert wait.limit(AHEAD, waiting(), 500).waiting_sessions == 1


def test_beyond_the_timeout_it_is_final() -> None:
    observed = Observed(AHEAD, source=waiting(waiting_sessions=0), target=waiting().history)

    worst = readiness(replica_wanted(), observed, knowing(), DIALECT).worst

    assert (worst.name, worst.agreement) == ("history", Agreement.FINAL)
