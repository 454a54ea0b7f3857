"""The server against its document, and the way to its source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guestagent.agent.doctor.server import server_findings
from guestagent.agent.edges import Edges
from guestagent.agent.journal import Journal
from guestagent.database.edge import Database
from guestagent.database.fake import FRESH, FakeDatabase, FakeSourceView
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.unit.agent.doctor.surroundings import graded, of, probes, raises
from tests.unit.agent.states import history
from tests.unit.signal.handles import cfn

SOURCE = Document(cfn(), section=Section(server_id=1))
REPLICA = Document(
    cfn(),
    source=Source("10.0.0.7", User("slave0000", Secret("never-shown"))),
    section=Section(server_id=2),
)


def edges(
    folder: Path, source: SourceState | None = None, open_: Callable[[], Database] = FakeDatabase
) -> Edges:
    seen = source or SourceState(server_id=1, binary_log=True, history=history(""), version=FRESH.version)
    clock = FakeClock()
    return Edges(
        open=open_,
        view=FakeSourceView(seen),
        journal=Journal(folder / "journal.json", clock, "boot"),
        clock=clock,
        address_towards=lambda host: "10.0.0.8",
    )


def test_every_condition_is_a_line_and_the_port_of_a_source_is_tried(tmp_path: Path) -> None:
    found = list(server_findings(SOURCE, edges(tmp_path), probes()))

    assert graded(found)["access"] == "warn"  # the image boots read-only
    assert graded(found)["binary log"] == "ok"
    assert of("TCP", found).seen == "10.0.0.8:3306 answers"


def test_a_source_that_listens_to_itself_alone_is_told_of_bind_address(tmp_path: Path) -> None:
    shut = probes(connected=raises(ConnectionRefusedError(111, "Connection refused")))

    assert "bind-address" in of("TCP", server_findings(SOURCE, edges(tmp_path), shut)).do


def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    silent = edges(tmp_path, open_=raises(DatabaseUnreachable("no socket")))

    assert graded(server_findings(SOURCE, silent, probes())) == {"answer": "fail"}


def test_a_replica_tells_the_way_to_its_source_and_both_versions(tmp_path: Path) -> None:
    newer = SourceState(server_id=1, binary_log=True, history=history(""), version="11.8.6-MariaDB")

    found = list(server_findings(REPLICA, edges(tmp_path, newer), probes()))

    assert of("TCP", found).seen == "10.0.0.7:3306 answers"
    assert (str(of("versions", found).grade), of("source", found).grade.name) == ("warn", "OK")


def test_no_password_stands_in_any_line(tmp_path: Path) -> None:
    said = [str(finding) for finding in server_findings(REPLICA, edges(tmp_path), probes())]

    assert not [line for line in said if "never-shown" in line]
