"""Golden answers of `doctor`: for a healthy node, for one on which nothing works, and for one without metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from guestagent.agent import pausing, settings
from guestagent.agent.collect import Collected, keep
from guestagent.agent.doctor import Probes, examine
from guestagent.agent.doctor.probes import Space
from guestagent.agent.edges import Edges
from guestagent.agent.journal import Journal
from guestagent.agent.settings import Settings
from guestagent.cli import doctor
from guestagent.database.edge import Database
from guestagent.database.fake import FRESH, FakeDatabase, FakeSourceView
from guestagent.errors import DatabaseUnreachable, HandleUnreachable
from guestagent.metadata import Document, dump
from guestagent.retry import FakeClock
from guestagent.signal.web import Answer
from tests.unit.golden.agent_work import FINE, FOLLOWER, SEEN, SOURCE
from tests.unit.golden.command_line import spell_answer
from tests.unit.golden.goldens import golden
from tests.unit.golden.guest_files import PAUSE
from tests.unit.golden.node_states import REPLICA
from tests.unit.golden.signal_files import HANDLES, READY, accept, give_up
from tests.unit.golden.status_files import FULL_STATUS, LOOKED, keep_status

NOW = datetime(2026, 11, 23, 18, 1, 0, tzinfo=timezone.utc)
LATER = NOW.replace(hour=20)
GIB = 2**30
PROSE = ("seen", "do")


def build_probes(**changes: Any) -> Probes:
    """Build probes that find everything in order, except for the changes."""
    fine = Probes(
        resolved=lambda host: ("10.0.0.7",),
        connected=lambda host, port: None,
        greeted=lambda url, host, ca: Answer(300, "", date=format_datetime(NOW, usegmt=True)),
        listening=lambda path: True,
        running=lambda name: True,
        space=lambda path: Space(5 * GIB, 10 * GIB),
        changed=lambda path: NOW.timestamp(),
        today=lambda: NOW,
        now=lambda: LOOKED,
    )
    return replace(fine, **changes)


def raise_error(error: Exception) -> Callable[..., Any]:
    def probe(*_: object) -> Any:
        raise error

    return probe


NOTHING_WORKS = build_probes(
    connected=raise_error(ConnectionRefusedError(111, "Connection refused")),
    greeted=raise_error(HandleUnreachable("no answer")),
    listening=lambda path: False,
    running=lambda name: False,
    space=lambda path: Space(0, 10 * GIB),
    today=lambda: LATER,
)


def settings_below(folder: Path) -> Settings:
    return replace(
        settings.load(),
        state=folder / "state",
        run=folder / "run",
        collector_cache=folder / "cache",
        collector_config=folder / "os-collect-config.conf",
    )


def build_edges(folder: Path, database: Callable[[], Database]) -> Edges:
    clock = FakeClock()
    return Edges(
        open=database,
        view=FakeSourceView(FINE),
        journal=Journal(folder / "state" / "journal.json", clock, "boot"),
        clock=clock,
        address_towards=lambda host: "10.0.0.8",
        paused=lambda: pausing.paused(folder / "state"),
    )


def answer_doctor(folder: Path, database: Callable[[], Database], probes: Probes) -> str:
    """Return the command's answer to the findings."""
    findings = examine(settings_below(folder), build_edges(folder, database), probes)
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
    return answer_doctor(folder, lambda: FakeDatabase(replace(FRESH, server_id=101)), build_probes())


@golden("answers/doctor/replica.json")
def build_replica(folder: Path) -> str:
    collect(folder, FOLLOWER)
    return answer_doctor(folder, lambda: FakeDatabase(REPLICA, upstream=SEEN), build_probes())


@golden("answers/doctor/nothing-works.json")
def build_broken(folder: Path) -> str:
    collect(folder, SOURCE)
    keep_status(folder / "state", FULL_STATUS)
    pausing.pause(folder / "state", PAUSE)
    give_up(folder / "state", HANDLES["cfn"][0], READY)
    return answer_doctor(folder, raise_error(DatabaseUnreachable("no socket")), NOTHING_WORKS)


@golden("answers/doctor/invalid-metadata.json")
def build_invalid(folder: Path) -> str:
    collect(folder, SOURCE)
    invalid = dump(SOURCE) | {"Users": 1}
    keep(folder / "state", Collected.of(invalid, folder / "cfn.json", NOW.isoformat()))
    return answer_doctor(folder, FakeDatabase, build_probes())


@golden("answers/doctor/nothing-collected.json")
def build_empty(folder: Path) -> str:
    return answer_doctor(folder, FakeDatabase, build_probes())
