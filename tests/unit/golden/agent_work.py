"""The agent's work on servers in memory: the signals that it sends, and the conditions that a node can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from guestagent.agent import pause, server_config, signalling
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.model import Readiness
from guestagent.agent.outcome import Report
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.server_config import ConfigurationSnapshot
from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.source_conditions import judge_clone_plugin
from guestagent.database.detect import FAMILIES
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.protocols import Database
from guestagent.database.state import AccountState, ServerState, SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported, StorageError
from guestagent.metadata import Document, DonorService, JoiningReplica, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.signal import build_body
from tests.unit.golden.documents import FULL_SOURCE, USERS
from tests.unit.golden.golden_file import golden, hide_prose, to_json
from tests.unit.golden.guest_files import ONE, PAUSE
from tests.unit.golden.node_states import REPLICA
from tests.unit.golden.signal_files import HANDLES

DEADLINE = 20.0
SOURCE_HISTORY = MariadbHistory.parse("0-101-7")
SOURCE_STATE = SourceState(server_id=101, binary_log=True, history=SOURCE_HISTORY, version="10.11.0-MariaDB")
SOURCE = Document(HANDLES["cfn"][0], USERS, section=Section(node="Master0000", server_id=101))
FOLLOWER = Document(
    HANDLES["hot-cfn-signal"][0],
    source=Source("10.0.0.7", USERS[0]),
    section=Section(node="Slave0000", server_id=102),
)
SEEDING_SOURCE = replace(
    SOURCE,
    section=replace(
        SOURCE.section,
        donor=DonorService(
            (JoiningReplica("Slave0000", User("seed0000", Secret("pw")), "slave0000", method="dump"),)
        ),
        verification=User("verify", Secret("pw")),
    ),
)
MYSQL_SOURCE_STATE = replace(SOURCE_STATE, history=FAMILIES["mysql"].empty_history, version="9.7.0")
REPLICA_WITH_DATA = replace(FRESH_SERVER, history=MariadbHistory.parse("0-102-9"), schemas=("theirs",))


def build_dependencies(folder: Path, database: Callable[[], Database], **edges: Any) -> PassDependencies:
    """Build what the agent touches: this server in memory, a source in order, and a clock that stands still."""
    clock = FakeClock()
    usual = {
        "source_view": FakeSourceProbe(SOURCE_STATE),
        "journal": Journal(folder / "state" / "journal.json", clock, "boot"),
        "find_own_address": lambda host: "10.0.0.8",
        **edges,
    }
    return PassDependencies(open_database=database, clock=clock, **usual)


def reconcile(document: Document, folder: Path, database: Callable[[], Database], **edges: Any) -> Report:
    """Work on the document until it is ready, or the deadline is over."""
    return Reconciler(document, "task", "10.0.0.1", build_dependencies(folder, database, **edges)).converge(
        DEADLINE
    )


def reconcile_server(document: Document, folder: Path, server: ServerState, **edges: Any) -> Report:
    database = FakeDatabase(server, source_history=SOURCE_HISTORY)
    return reconcile(document, folder, lambda: database, **edges)


def spell_signal(document: Document, report: Report) -> str:
    """Build the signal's body. Of each condition only the word is kept, not the sentence after it."""
    outcome = signalling.build_entry(document, report).outcome
    sent = json.loads(build_body(document.handle, document.unique_id, outcome))
    data = sent["Data" if "Data" in sent else "data"]
    data["conditions"] = {name: output.partition(":")[0] for name, output in data["conditions"].items()}
    return to_json(hide_prose(sent, ("Reason", "reason")))


@golden("signal_body/source-after-work.json")
def build_source(folder: Path) -> str:
    return spell_signal(SOURCE, reconcile_server(SOURCE, folder, FRESH_SERVER))


@golden("signal_body/replica-after-work.json")
def build_replica(folder: Path) -> str:
    return spell_signal(FOLLOWER, reconcile_server(FOLLOWER, folder, FRESH_SERVER))


def fail_with(error: Exception) -> Callable[[], Database]:
    def fail() -> Database:
        raise error

    return fail


def list_situations(folder: Path) -> dict[str, Readiness]:
    """Return the conditions in situations that together show every condition that a node can have."""
    strange = AccountState(ONE, "mysql_native_password", Secret("*00"))
    twin = replace(FRESH_SERVER, uuid="one")
    servers: dict[str, tuple[Document, ServerState, dict[str, Any]]] = {
        "a source that becomes ready": (SOURCE, FRESH_SERVER, {}),
        "a replica that becomes ready": (FOLLOWER, FRESH_SERVER, {}),
        "a replica whose source does not answer": (
            FOLLOWER,
            FRESH_SERVER,
            {"source_view": FakeSourceProbe()},
        ),
        "a source without GTIDs": (SOURCE, replace(FRESH_SERVER, gtid=False), {}),
        "a source without a binary log": (SOURCE, replace(FRESH_SERVER, binary_log=False), {}),
        "a source that seeds and is verified": (SEEDING_SOURCE, FRESH_SERVER, {}),
        "a source that follows somebody": (SOURCE, REPLICA, {}),
        "a source without TLS": (FULL_SOURCE, replace(FRESH_SERVER, tls=False), {}),
        "a replica with data of unknown origin": (FOLLOWER, replace(FRESH_SERVER, schemas=("theirs",)), {}),
        "a replica with its source's UUID": (
            FOLLOWER,
            twin,
            {"source_view": FakeSourceProbe(replace(SOURCE_STATE, uuid="one"))},
        ),
        "a replica with its source's server id": (
            replace(FOLLOWER, section=Section(server_id=101)),
            FRESH_SERVER,
            {},
        ),
        "a replica with more than its source has": (FOLLOWER, REPLICA_WITH_DATA, {}),
        "a replica whose own history is not known": (FOLLOWER, replace(FRESH_SERVER, binary_log=False), {}),
        "a replica of a MySQL source": (
            FOLLOWER,
            FRESH_SERVER,
            {"source_view": FakeSourceProbe(MYSQL_SOURCE_STATE)},
        ),
        "a replica of a source without GTIDs": (
            FOLLOWER,
            FRESH_SERVER,
            {"source_view": FakeSourceProbe(replace(SOURCE_STATE, gtid=False))},
        ),
        "a source with an account of somebody else": (SOURCE, replace(FRESH_SERVER, accounts=(strange,)), {}),
        "a replica without an address": (
            replace(FOLLOWER, section=Section(node="Slave0000")),
            FRESH_SERVER,
            {"find_own_address": lambda host: None},
        ),
        "an interruption": (SOURCE, FRESH_SERVER, {"is_interrupted": lambda: True}),
        "a pause": (SOURCE, FRESH_SERVER, {"read_pause": lambda: PAUSE}),
    }
    errors = {
        "no server": DatabaseUnreachable("no socket"),
        "a server of another kind": DatabaseUnsupported("too old"),
        "a refused step": DatabaseRefused("doing", 1290, "read-only"),
        "a full disk": StorageError("no space"),
    }
    found = {
        name: reconcile_server(document, folder / name, server, **edges).readiness
        for name, (document, server, edges) in servers.items()
    }
    found |= {
        name: reconcile(SOURCE, folder / name, fail_with(error)).readiness for name, error in errors.items()
    }
    look = ConfigurationSnapshot("/etc/my.cnf.d/90-guestagent.cnf", None, "", (), {}, ChangeState())
    found["the option file"] = Readiness.from_conditions(server_config.judge_configuration(look))
    found["the clone plugin"] = Readiness.from_conditions(judge_clone_plugin(FRESH_SERVER))
    found["a pause with nothing to do"] = pause.add_pause_condition(Readiness(()), PAUSE, ())
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
