"""A source and a replica as the agent observes them, and reports of its work."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.model import Condition, Readiness
from guestagent.agent.outcome import Report, Verdict
from guestagent.database.fake import FRESH_SERVER
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerState
from tests.unit.golden.status_files import CONDITIONS

SOURCE = replace(
    FRESH_SERVER,
    version="10.11.0-MariaDB",
    server_id=101,
    read_only=False,
    history=MariadbHistory.parse("0-101-7"),
)
REPLICA = replace(
    SOURCE,
    server_id=102,
    read_only=True,
    uuid="5c8f7d1e-0f2b-4d5e-9a1c-3b2d4e5f6a7b",
    channel=ChannelState(
        Endpoint("10.0.0.7", 3306, "slave0000"),
        uses_gtid=True,
        receiver=ReceiverState.RUNNING,
        is_applier_running=True,
        lag=0,
    ),
)
SECONDS = {"server": 0.5, "steps": 1.25}


def build_report(
    verdict: Verdict,
    server: ServerState | None,
    conditions: tuple[Condition, ...] = CONDITIONS,
    *,
    late: bool = False,
) -> Report:
    """Build the report of the work on a document."""
    return Report(verdict, Readiness.from_conditions(*conditions), 12.25, late, server, dict(SECONDS))
