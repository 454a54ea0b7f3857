"""Golden answers of `doctor`: for a healthy node, for one on which nothing works, and for one without metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from guestagent.agent import pausing
from guestagent.agent.collect import Collected, keep
from guestagent.agent.doctor import Probes, examine
from guestagent.agent.doctor.probes import Space
from guestagent.cli import doctor
from guestagent.database.edge import Database
from guestagent.database.fake import FRESH, FakeDatabase
from guestagent.errors import DatabaseUnreachable, HandleUnreachable
from guestagent.metadata import Document, dump
from tests.unit.agent.doctor.surroundings import GIB, NOW, probes, raises, settings
from tests.unit.golden.agent_work import FOLLOWER, SEEN, SOURCE, build_edges
from tests.unit.golden.command_line import spell_answer
from tests.unit.golden.goldens import golden
from tests.unit.golden.guest_files import PAUSE
from tests.unit.golden.node_states import REPLICA
from tests.unit.golden.signal_files import HANDLES, READY, accept, give_up
from tests.unit.golden.status_files import FULL_STATUS, LOOKED, keep_status

LATER = NOW.replace(hour=20)
PROSE = ("seen", "do")


FINE_PROBES = probes(now=lambda: LOOKED)
NOTHING_WORKS = replace(
    FINE_PROBES,
    connected=raises(ConnectionRefusedError(111, "Connection refused")),
    greeted=raises(HandleUnreachable("no answer")),
    listening=lambda path: False,
    running=lambda name: False,
    space=lambda path: Space(0, 10 * GIB),
    today=lambda: LATER,
)


def answer_doctor(folder: Path, database: Callable[[], Database], found_by: Probes) -> str:
    """Return the command's answer to the findings."""
    edges = build_edges(folder, database, paused=lambda: pausing.paused(folder / "state"))
    findings = examine(settings(folder), edges, found_by)
    with redirect_stdout(io.StringIO()) as out:
        code = doctor._as_json(findings)
    return spell_answer(json.loads(out.getvalue()), code, folder, PROSE)


def collect(folder: Path, document: Document) -> None:
    """Store the document as `poke` does, and write the collector's configuration."""
    keep(folder / "state", Collected.of(dump(document), folder / "cfn.json", NOW.isoformat()))
    text = "[DEFAULT]\ncommand = guestagent poke\n"
    (folder / "os-collect-config.conf").write_text(text, encoding="utf-8")


@golden("answers/doctor/source.json")
def build_source(folder: Path) -> str:
    collect(folder, SOURCE)
    keep_status(folder / "state", replace(FULL_STATUS, state="ready", problems=()))
    accept(folder / "state", HANDLES["cfn"][0], READY)
    return answer_doctor(folder, lambda: FakeDatabase(replace(FRESH, server_id=101)), FINE_PROBES)


@golden("answers/doctor/replica.json")
def build_replica(folder: Path) -> str:
    collect(folder, FOLLOWER)
    return answer_doctor(folder, lambda: FakeDatabase(REPLICA, upstream=SEEN), FINE_PROBES)


@golden("answers/doctor/nothing-works.json")
def build_broken(folder: Path) -> str:
    collect(folder, SOURCE)
    keep_status(folder / "state", FULL_STATUS)
    pausing.pause(folder / "state", PAUSE)
    give_up(folder / "state", HANDLES["cfn"][0], READY)
    return answer_doctor(folder, raises(DatabaseUnreachable("no socket")), NOTHING_WORKS)


@golden("answers/doctor/invalid-metadata.json")
def build_invalid(folder: Path) -> str:
    collect(folder, SOURCE)
    invalid = dump(SOURCE) | {"Users": 1}
    keep(folder / "state", Collected.of(invalid, folder / "cfn.json", NOW.isoformat()))
    return answer_doctor(folder, FakeDatabase, FINE_PROBES)


@golden("answers/doctor/nothing-collected.json")
def build_empty(folder: Path) -> str:
    return answer_doctor(folder, FakeDatabase, FINE_PROBES)
