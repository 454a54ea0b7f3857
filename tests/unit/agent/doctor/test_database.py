"""The server against its document, and the way to its source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.doctor.database import check_database
from guestagent.agent.journal import Journal
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.protocols import Database
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_history
from tests.support.doctor_probes import build_failing_probe, build_probes, get_finding, list_grades
from tests.support.signal_handles import build_cfn_handle

SOURCE = Document(build_cfn_handle(), section=Section(server_id=1))
REPLICA = Document(
    build_cfn_handle(),
    source=Source("10.0.0.7", User("slave0000", Secret("never-shown"))),
    section=Section(server_id=2),
)


def build_dependencies(
    folder: Path, source: SourceState | None = None, open_: Callable[[], Database] = FakeDatabase
) -> PassDependencies:
    source_state = source or SourceState(
        server_id=1, binary_log=True, history=build_history(""), version=FRESH_SERVER.version
    )
    clock = FakeClock()
    return PassDependencies(
        open_database=open_,
        source_view=FakeSourceProbe(source_state),
        journal=Journal(folder / "journal.json", clock, "boot"),
        clock=clock,
        find_own_address=lambda host: "10.0.0.8",
    )


def test_every_condition_is_a_finding_and_the_port_of_a_source_is_checked(tmp_path: Path) -> None:
    findings = list(check_database(SOURCE, build_dependencies(tmp_path), build_probes()))

    assert list_grades(findings)["access"] == "warn"  # the image boots read-only
    assert list_grades(findings)["binary log"] == "ok"
    assert get_finding("TCP", findings).actual == "10.0.0.8:3306 answers"


def test_a_source_that_refuses_connections_gets_advice_on_bind_address(tmp_path: Path) -> None:
    probes_with_closed_port = build_probes(
        check_port=build_failing_probe(ConnectionRefusedError(111, "Connection refused"))
    )

    assert (
        "bind-address"
        in get_finding(
            "TCP", check_database(SOURCE, build_dependencies(tmp_path), probes_with_closed_port)
        ).advice
    )


def test_a_server_that_does_not_answer_is_one_finding(tmp_path: Path) -> None:
    dependencies = build_dependencies(tmp_path, open_=build_failing_probe(DatabaseUnreachable("no socket")))

    assert list_grades(check_database(SOURCE, dependencies, build_probes())) == {"answer": "fail"}


def test_a_replica_reports_the_connection_to_its_source_and_both_versions(tmp_path: Path) -> None:
    newer = SourceState(server_id=1, binary_log=True, history=build_history(""), version="11.8.6-MariaDB")

    findings = list(check_database(REPLICA, build_dependencies(tmp_path, newer), build_probes()))

    assert get_finding("TCP", findings).actual == "10.0.0.7:3306 answers"
    assert (str(get_finding("versions", findings).grade), get_finding("source", findings).grade.name) == (
        "warn",
        "OK",
    )


def test_no_finding_contains_a_password(tmp_path: Path) -> None:
    lines = [
        str(finding) for finding in check_database(REPLICA, build_dependencies(tmp_path), build_probes())
    ]

    assert not [line for line in lines if "never-shown" in line]
