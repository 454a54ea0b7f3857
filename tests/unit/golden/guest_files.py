"""Files of the agent: journal, configuration, document and pause mark. Signals and statuses are in their own modules.

Only support modules like this one import the product, so a rename touches nothing else here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from guestagent.agent import instance_record, metadata_files, pause, settings, wiring
from guestagent.agent.anchor import Anchor
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence import Divergence, Sighting, SourceIdentity
from guestagent.agent.donor_record import DonorEntry, DonorRecord
from guestagent.agent.instance_identity import InstanceRecord
from guestagent.agent.journal_state import Fingerprint, JournalState
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.pause import Pause
from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.database.state import Account
from guestagent.retry import FakeClock
from tests.unit.golden.stored_file import StoredFile

ONE, OTHER = Account("slave0000", "10.0.0.0/255.255.255.0"), Account("slave0001", "%")
TASK = "d2c1f0a9b8e7d6c5b4a3928170605f4e"
CHANNEL = Fingerprint("00112233445566778899aabbccddeeff", "ab" * 32)
ACCOUNT_FINGERPRINT = Fingerprint("ffeeddccbbaa99887766554433221100", "cd" * 32)

FULL_JOURNAL = JournalState(
    task=TASK,
    elapsed_s=12.5,
    measured_at=1000.25,
    boot_id="5c8f7d1e-0f2b-4d5e-9a1c-3b2d4e5f6a7b",
    accounts=frozenset({ONE, OTHER}),
    channel=CHANNEL,
    retained_passwords=frozenset({(ONE, "0" * 32)}),
    password_fingerprints=frozenset(
        {(ONE, CHANNEL), (ONE, ACCOUNT_FINGERPRINT), (OTHER, ACCOUNT_FINGERPRINT)}
    ),
    superseded_tasks=(("1" * 32, 40.0), ("2" * 32, 0.5)),
    has_outcome=True,
)
SOURCE = SourceIdentity("10.0.0.7", 3306, "3e11fa47-71ca-11e1-9e33-c80aa9429562")
FORMER_SOURCE = SourceIdentity("db.example", 3307)
DIVERGED_JOURNAL = replace(
    FULL_JOURNAL,
    divergences=frozenset(
        {
            Divergence(SOURCE, errant="0-7-9", lost="0-7-20", rejected="1236, Error: ...", history="0-7-5"),
            Divergence(FORMER_SOURCE, errant="0-9-1", replaced="0-9-1", history="0-7-5", accepted=True),
        }
    ),
    sighting=Sighting(SOURCE, "0-7-20"),
    anchor=Anchor(SOURCE, 1795912119, 1, "0-7-19"),
    unfinished=frozenset({OTHER}),
)
SOURCE_JOURNAL = replace(
    FULL_JOURNAL,
    donors_measured_at=("b007", 1234.5),
    donors=(
        DonorRecord(DonorEntry("Slave0000", "seed0000"), is_over=True),
        DonorRecord(DonorEntry("Slave0001", "seed0001")),
    ),
)
NEW_JOURNAL = JournalState(task=TASK, measured_at=3.5, boot_id="5c8f7d1e-0f2b-4d5e-9a1c-3b2d4e5f6a7b")

FULL_CHANGE = ChangeState(
    phase=Phase.RESTORING,
    family="mariadb",
    path="/etc/mysql/mariadb.conf.d/90-guestagent.cnf",
    text="[mariadbd]\nmax_connections = 200\n",
    previous="[mariadbd]\nmax_connections = 100\n",
    last="[mariadbd]\nmax_connections = 150\n",
    since=1000.25,
    server="4711",
    log="/var/log/mysql/error.log",
    why="unknown variable",
    proved='{"max_connections": 100}',
    tried={"max_connections": SetAttempt("200", "too many"), "sync_binlog": SetAttempt("1")},
    boot="5c8f7d1e-0f2b-4d5e-9a1c-3b2d4e5f6a7b",
    starts=2,
    failure="Job failed",
    originals={"max_connections": "151", "wait_timeout": None},
)
FIRST_CHANGE = ChangeState(family="mysql", path="/etc/my.cnf.d/zz-guestagent.cnf")

DOCUMENT = {
    "ReadyWaitCondition": "http://heat.example:8000/v1/waitcondition/x?Signature=y",
    "Users": [{"name": "slave0000", "password": "s3cret"}],
    "GuestAgent": {"Version": 1, "Node": "Master0000", "Generation": 2},
    "of-somebody-else": {"key": [1, "two", None, True]},
}
COLLECTED_DOCUMENT = CollectedDocument.from_document(
    DOCUMENT, Path("/var/lib/os-collect-config/cfn.json"), "2026-11-23T18:00:00+00:00"
)

PAUSE = Pause("alice", "2026-11-23T18:00:00+00:00", "repairing a table")

INSTANCE = InstanceRecord("5a9f7e1c-0b5e-4c1f-9a57-3e2d8c6b4f10", "i-0000002a")
COPIED_INSTANCE = InstanceRecord(
    "c2d4e6f8-1111-4222-8333-444455556666", origin=INSTANCE.instance_id, copied_at="2026-11-23T18:00:00+00:00"
)


def open_parts(state: Path) -> PassDependencies:
    """Return the agent's own parts, put together as for `serve` and `apply`."""
    return wiring.build_dependencies(build_settings(state), FakeClock())


def build_settings(state: Path) -> settings.Settings:
    """Return the default settings with another state folder."""
    return replace(settings.load_settings(), state_folder=state)


def write_journal(state: Path, memory: JournalState) -> None:
    open_parts(state).journal._write(memory)


def read_journal(state: Path) -> JournalState:
    return open_parts(state).journal.state


def write_change(state: Path, record: ChangeState) -> None:
    wiring.build_configuration_dependencies(build_settings(state), FakeClock()).change_file.write(record)


def read_change(state: Path) -> ChangeState:
    return wiring.build_configuration_dependencies(build_settings(state), FakeClock()).change_file.state


def read_document(state: Path) -> object:
    """Read the document with its origin, which does not count when the product compares two of them."""
    stored = metadata_files.find_stored_document(state)
    return None if stored is None else describe_document(stored)


def describe_document(collected: CollectedDocument) -> object:
    return collected.token, dict(collected.document), collected.path, collected.collected_at


def list_guest_files() -> Iterator[tuple[str, StoredFile]]:
    """Return every case by its name."""
    for name, memory in (
        ("full", FULL_JOURNAL),
        ("new", NEW_JOURNAL),
        ("parted", DIVERGED_JOURNAL),
        ("source", SOURCE_JOURNAL),
    ):
        yield f"journal/{name}.json", journal_file(memory)
    changes = [("full", FULL_CHANGE)]
    changes += [(f"phase-{phase.value}", replace(FIRST_CHANGE, phase=phase)) for phase in Phase]
    for name, change in changes:
        yield f"configuration/{name}.json", change_file(change)
    yield (
        "document/full.json",
        StoredFile(
            "document.json",
            lambda state: metadata_files.store_document(state, COLLECTED_DOCUMENT),
            read_document,
            describe_document(COLLECTED_DOCUMENT),
        ),
    )
    for name, mark in (("full", PAUSE), ("no-reason", replace(PAUSE, reason=""))):
        yield f"paused/{name}.json", pause_file(mark)
    for name, record in (("own", INSTANCE), ("copied", COPIED_INSTANCE)):
        yield f"instance/{name}.json", instance_file(record)


def journal_file(memory: JournalState) -> StoredFile:
    return StoredFile("journal.json", lambda state: write_journal(state, memory), read_journal, memory)


def change_file(record: ChangeState) -> StoredFile:
    return StoredFile("configuration.json", lambda state: write_change(state, record), read_change, record)


def instance_file(record: InstanceRecord) -> StoredFile:
    return StoredFile(
        "instance.json",
        lambda state: instance_record.write_record(state, record),
        instance_record.read_record,
        record,
    )


def pause_file(mark: Pause) -> StoredFile:
    return StoredFile("paused.json", lambda state: pause.write_pause(state, mark), pause.read_pause, mark)
