"""A node with a database in memory, and reconcile passes on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.donor_service import DonorAccess
from guestagent.agent.journal import Journal
from guestagent.agent.metadata_updates import UpdateRoute
from guestagent.agent.outcome import Progress, Report
from guestagent.agent.pause import Pause
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.seed_coordinator import SeedAccess
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe, SimulatedCrash
from guestagent.database.protocols import SourceProbe
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_history, build_source_state

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
USERS = (User("slave0000", Secret("pw0")), User("slave0001", Secret("pw1")))
SOURCE = Document(HANDLE, users=USERS, section=Section(server_id=7))
REPLICA = Document(HANDLE, source=Source("10.0.0.7", USERS[0]), section=Section(server_id=8))
UPSTREAM = build_history("0-7-5")
SOURCE_STATE = build_source_state("0-7-5")
LOGIN = SourceState(server_id=7, binary_log=True, history=UPSTREAM)


class FakeNode:
    """A node: its database, its disk and its clock."""

    def __init__(
        self,
        folder: Path,
        database: FakeDatabase,
        probe: SourceProbe | None = None,
        update_route: UpdateRoute | None = None,
    ) -> None:
        self.folder, self.database, self.clock = folder, database, FakeClock()
        self.update_route = update_route
        self.probe = probe or FakeSourceProbe(SOURCE_STATE)
        self.progress_reports: list[Progress] = []
        self.is_interrupted: Callable[[], bool] = lambda: False
        self.observe_volume: Callable[[], VolumeObservation] = VolumeObservation
        self.request_volume_growth: Callable[[], None] = lambda: None
        self.seed_access: SeedAccess | None = None
        self.donor_access: DonorAccess | None = None
        self.read_pause: Callable[[], Pause | None] = lambda: None

    def build_reconciler(self, document: Document, task: str = "task") -> Reconciler:
        dependencies = PassDependencies(
            open_database=lambda: self.database,
            source_view=self.probe,
            journal=Journal(self.folder / "journal.json", self.clock, "boot 1"),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.8",
            is_interrupted=self.is_interrupted,
            report_progress=self.progress_reports.append,
            read_update_route=lambda: self.update_route,
            observe_volume=self.observe_volume,
            request_volume_growth=self.request_volume_growth,
            seed_access=self.seed_access,
            donor_access=self.donor_access,
            read_pause=self.read_pause,
        )
        return Reconciler(document, task, "10.0.0.1", dependencies)

    def converge(self, document: Document, task: str = "task") -> Report:
        return self.build_reconciler(document, task).converge(document.section.deadline)


def build_replica_database(state: ServerState = FRESH_SERVER, **options: object) -> FakeDatabase:
    return FakeDatabase(state, source_history=UPSTREAM, **options)  # type: ignore[arg-type]


def run_with_crash(node: FakeNode, document: Document) -> bool:
    """Reconcile until the database crashes. Return whether it has."""
    try:
        node.converge(document)
    except SimulatedCrash:
        return True
    return False
