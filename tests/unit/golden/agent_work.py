"""The agent's work on servers in memory: the signals that it sends, and the conditions that a node can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from guestagent.agent import announcer, configuration, pausing
from guestagent.agent.configuration import Look
from guestagent.agent.configuration.record import Record
from guestagent.agent.edges import Edges, Report
from guestagent.agent.journal import Journal
from guestagent.agent.model import Readiness
from guestagent.agent.reconcile import Reconciler
from guestagent.database.edge import Database
from guestagent.database.fake import FRESH, FakeDatabase, FakeSourceView
from guestagent.database.gtid import MariadbHistory
from guestagent.database.open import FAMILIES
from guestagent.database.state import AccountState, ServerState, SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported, StorageError
from guestagent.metadata import Document, Section, Source
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.signal import body
from tests.unit.golden.documents import FULL_SOURCE, USERS
from tests.unit.golden.goldens import golden, hide_prose, to_json
from tests.unit.golden.guest_files import ONE, PAUSE
from tests.unit.golden.node_states import REPLICA
from tests.unit.golden.signal_files import HANDLES

DEADLINE = 20.0
SEEN = MariadbHistory.of("0-101-7")
FINE = SourceState(server_id=101, binary_log=True, history=SEEN, version="10.11.0-MariaDB")
SOURCE = Document(HANDLES["cfn"][0], USERS, section=Section(node="Master0000", server_id=101))
FOLLOWER = Document(
    HANDLES["hot-cfn-signal"][0],
    source=Source("10.0.0.7", USERS[0]),
    section=Section(node="Slave0000", server_id=102),
)
OF_MYSQL = replace(FINE, history=FAMILIES["mysql"].nothing, version="9.7.0")
AHEAD = replace(FRESH, history=MariadbHistory.of("0-102-9"), schemas=("theirs",))


def build_edges(folder: Path, database: Callable[[], Database], **edges: Any) -> Edges:
    """Build what the agent touches: this server in memory, a source in order, and a clock that stands still."""
    clock = FakeClock()
    usual = {
        "view": FakeSourceView(FINE),
        "journal": Journal(folder / "state" / "journal.json", clock, "boot"),
        "address_towards": lambda host: "10.0.0.8",
        **edges,
    }
    return Edges(open=database, clock=clock, **usual)


def work_on(document: Document, folder: Path, database: Callable[[], Database], **edges: Any) -> Report:
    """Work on the document until it is ready, or the deadline is over."""
    return Reconciler(document, "task", "10.0.0.1", build_edges(folder, database, **edges)).converge(DEADLINE)


def work_on_server(document: Document, folder: Path, server: ServerState, **edges: Any) -> Report:
    database = FakeDatabase(server, upstream=SEEN)
    return work_on(document, folder, lambda: database, **edges)


def spell_signal(document: Document, report: Report) -> str:
    """Build the signal's body. Of each condition only the word is kept, not the sentence after it."""
    outcome = announcer.entry_of(document, report).outcome
    sent = json.loads(body(document.handle, document.unique_id, outcome))
    data = sent["Data" if "Data" in sent else "data"]
    data["conditions"] = {name: told.partition(":")[0] for name, told in data["conditions"].items()}
    return to_json(hide_prose(sent, ("Reason", "reason")))


@golden("signal_body/source-after-work.json")
def build_source(folder: Path) -> str:
    return spell_signal(SOURCE, work_on_server(SOURCE, folder, FRESH))


@golden("signal_body/replica-after-work.json")
def build_replica(folder: Path) -> str:
    return spell_signal(FOLLOWER, work_on_server(FOLLOWER, folder, FRESH))


def fail_with(error: Exception) -> Callable[[], Database]:
    def fail() -> Database:
        raise error

    return fail


def list_situations(folder: Path) -> dict[str, Readiness]:
    """Return the conditions in situations that together show every condition that a node can have."""
    strange = AccountState(ONE, "mysql_native_password", Secret("*00"))
    twin = replace(FRESH, uuid="one")
    servers: dict[str, tuple[Document, ServerState, dict[str, Any]]] = {
        "a source that becomes ready": (SOURCE, FRESH, {}),
        "a replica that becomes ready": (FOLLOWER, FRESH, {}),
        "a replica whose source does not answer": (FOLLOWER, FRESH, {"view": FakeSourceView()}),
        "a source without GTIDs": (SOURCE, replace(FRESH, gtid=False), {}),
        "a source without a binary log": (SOURCE, replace(FRESH, binary_log=False), {}),
        "a source that follows somebody": (SOURCE, REPLICA, {}),
        "a source without TLS": (FULL_SOURCE, replace(FRESH, tls=False), {}),
        "a replica with data of unknown origin": (FOLLOWER, replace(FRESH, schemas=("theirs",)), {}),
        "a replica with its source's UUID": (
            FOLLOWER,
            twin,
            {"view": FakeSourceView(replace(FINE, uuid="one"))},
        ),
        "a replica with its source's server id": (
            replace(FOLLOWER, section=Section(server_id=101)),
            FRESH,
            {},
        ),
        "a replica with more than its source has": (FOLLOWER, AHEAD, {}),
        "a replica whose own history is not known": (FOLLOWER, replace(FRESH, binary_log=False), {}),
        "a replica of a MySQL source": (FOLLOWER, FRESH, {"view": FakeSourceView(OF_MYSQL)}),
        "a replica of a source without GTIDs": (
            FOLLOWER,
            FRESH,
            {"view": FakeSourceView(replace(FINE, gtid=False))},
        ),
        "a source with an account of somebody else": (SOURCE, replace(FRESH, accounts=(strange,)), {}),
        "a replica without an address": (
            replace(FOLLOWER, section=Section(node="Slave0000")),
            FRESH,
            {"address_towards": lambda host: None},
        ),
        "an interruption": (SOURCE, FRESH, {"interrupted": lambda: True}),
        "a pause": (SOURCE, FRESH, {"paused": lambda: PAUSE}),
    }
    errors = {
        "no server": DatabaseUnreachable("no socket"),
        "a server of another kind": DatabaseUnsupported("too old"),
        "a refused step": DatabaseRefused("doing", 1290, "read-only"),
        "a full disk": StorageError("no space"),
    }
    found = {
        name: work_on_server(document, folder / name, server, **edges).readiness
        for name, (document, server, edges) in servers.items()
    }
    found |= {
        name: work_on(SOURCE, folder / name, fail_with(error)).readiness for name, error in errors.items()
    }
    look = Look("/etc/my.cnf.d/90-guestagent.cnf", None, "", (), {}, Record())
    found["the option file"] = Readiness.of(configuration.condition(look))
    found["a pause with nothing to do"] = pausing.withholding(Readiness(()), PAUSE, ())
    return found


@golden("contract/conditions.json")
def build_conditions(folder: Path) -> str:
    """Build the list of conditions' names, which are keys of a signal's data."""
    return to_json(
        {
            situation: sorted({condition.name for condition in readiness.conditions})
            for situation, readiness in list_situations(folder).items()
        }
    )
