"""A reconciled replica with a donor in its document, and a seed worker that does nothing by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Report
from guestagent.agent.seed_coordinator import SeedAccess
from guestagent.database.fake import FRESH_SERVER, FakeSourceProbe
from guestagent.database.state import SourceState
from guestagent.metadata.document import Document, Donor, Seeding, User
from guestagent.secret import Secret
from guestagent.seeding import SeedFiles, SeedMethod, SeedPhase, SeedState
from tests.support.reconciled_node import REPLICA, SOURCE_STATE, UPSTREAM, FakeNode, build_replica_database

DONOR = Donor(User("donor0001", Secret("s3cret")), fingerprint="ab" * 32)
PURGED = replace(SOURCE_STATE, has_all_logs=False)
SEEDED = replace(FRESH_SERVER, history=UPSTREAM, schemas=("shop",))


def build_document(**seeding: object) -> Document:
    section = replace(REPLICA.section, seeding=Seeding(donor=DONOR, **seeding), deadline=90)  # type: ignore[arg-type]
    return replace(REPLICA, section=section)


class SeededNode(FakeNode):
    """A node with a worker that does nothing by itself."""

    def __init__(self, folder: Path, source: SourceState = PURGED) -> None:
        super().__init__(folder, build_replica_database(), FakeSourceProbe(source))
        self.files = SeedFiles(folder)
        self.marker = ""
        self.starts = 0
        self.seed_access = SeedAccess(
            self.files, "/run/mysqld/mysqld.sock", self._start_worker, lambda folder: self.marker
        )

    def _start_worker(self) -> None:
        self.starts += 1

    def report_state(self, phase: SeedPhase, **changes: object) -> None:
        """Let the worker write a state of the requested seed."""
        record = self.read_record_id()
        state = SeedState(record, SeedMethod.BACKUP, "/var/lib/mysql/", phase)
        self.files.write_state(replace(state, **changes))  # type: ignore[arg-type]

    def read_record_id(self) -> str:
        request = self.files.read_request()
        assert request is not None
        return request.id


def get_state(report: Report, name: str) -> ConditionState:
    return next(each.state for each in report.readiness.conditions if each.name == name)
