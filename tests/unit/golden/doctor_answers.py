"""Golden answers of `doctor`: for a healthy node, for one on which nothing works, and for one without metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from guestagent.agent import pause
from guestagent.agent.doctor import Probes, examine_node
from guestagent.agent.doctor.probes import DiskSpace
from guestagent.agent.metadata_files import CollectedDocument, store_document
from guestagent.cli import doctor
from guestagent.database.fake import FRESH_SERVER, FakeDatabase
from guestagent.database.protocols import Database
from guestagent.errors import DatabaseUnreachable, HandleUnreachable
from guestagent.metadata import Document, dump
from tests.support.doctor_probes import GIB, NOW, build_failing_probe, build_probes, build_settings
from tests.unit.golden.agent_work import FOLLOWER, SOURCE, SOURCE_HISTORY, build_dependencies
from tests.unit.golden.command_line import spell_answer
from tests.unit.golden.golden_file import golden
from tests.unit.golden.guest_files import PAUSE
from tests.unit.golden.node_states import REPLICA
from tests.unit.golden.signal_files import HANDLES, READY, accept, give_up
from tests.unit.golden.status_files import FULL_STATUS, LOOK_TIME, write_status

LATER = NOW.replace(hour=20)
PROSE = ("seen", "do")


HEALTHY_PROBES = build_probes(read_timestamp=lambda: LOOK_TIME)
FAILING_PROBES = replace(
    HEALTHY_PROBES,
    check_port=build_failing_probe(ConnectionRefusedError(111, "Connection refused")),
    request_root=build_failing_probe(HandleUnreachable("no answer")),
    send_request=build_failing_probe(HandleUnreachable("no answer")),
    is_listening=lambda path: False,
    is_process_running=lambda name: False,
    measure_disk_space=lambda path: DiskSpace(0, 10 * GIB),
    get_utc_now=lambda: LATER,
)


def answer_doctor(folder: Path, database: Callable[[], Database], found_by: Probes) -> str:
    """Return the command's answer to the findings."""
    edges = build_dependencies(folder, database, read_pause=lambda: pause.read_pause(folder / "state"))
    findings = examine_node(build_settings(folder), edges, found_by)
    with redirect_stdout(io.StringIO()) as out:
        code = doctor._print_json(findings)
    return spell_answer(json.loads(out.getvalue()), code, folder, PROSE)


def store_collected_document(folder: Path, document: Document) -> None:
    """Store the document as `poke` does, and write the collector's configuration."""
    store_document(
        folder / "state",
        CollectedDocument.from_document(dump(document), folder / "cfn.json", NOW.isoformat()),
    )
    text = "[DEFAULT]\ncommand = guestagent poke\n[cfn]\nmetadata_url = http://heat.test/v1/\naccess_key_id = 3f7a\n"
    (folder / "os-collect-config.conf").write_text(text, encoding="utf-8")


@golden("answers/doctor/source.json")
def build_source(folder: Path) -> str:
    store_collected_document(folder, SOURCE)
    write_status(folder / "state", replace(FULL_STATUS, state="ready", problems=()))
    accept(folder / "state", HANDLES["cfn"][0], READY)
    return answer_doctor(folder, lambda: FakeDatabase(replace(FRESH_SERVER, server_id=101)), HEALTHY_PROBES)


@golden("answers/doctor/replica.json")
def build_replica(folder: Path) -> str:
    store_collected_document(folder, FOLLOWER)
    return answer_doctor(folder, lambda: FakeDatabase(REPLICA, source_history=SOURCE_HISTORY), HEALTHY_PROBES)


@golden("answers/doctor/nothing-works.json")
def build_broken(folder: Path) -> str:
    store_collected_document(folder, SOURCE)
    write_status(folder / "state", FULL_STATUS)
    pause.write_pause(folder / "state", PAUSE)
    give_up(folder / "state", HANDLES["cfn"][0], READY)
    return answer_doctor(folder, build_failing_probe(DatabaseUnreachable("no socket")), FAILING_PROBES)


@golden("answers/doctor/invalid-metadata.json")
def build_invalid(folder: Path) -> str:
    store_collected_document(folder, SOURCE)
    invalid = dump(SOURCE) | {"Users": 1}
    store_document(
        folder / "state", CollectedDocument.from_document(invalid, folder / "cfn.json", NOW.isoformat())
    )
    return answer_doctor(folder, FakeDatabase, HEALTHY_PROBES)


@golden("answers/doctor/nothing-collected.json")
def build_empty(folder: Path) -> str:
    return answer_doctor(folder, FakeDatabase, HEALTHY_PROBES)
