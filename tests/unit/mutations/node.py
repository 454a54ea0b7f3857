"""A node in a folder, with every file that one has, and a server in memory; its commands, and one turn of its agent."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

from guestagent.agent import parts
from guestagent.agent.configuration import Configuration, Ground
from guestagent.agent.configuration.record import Phase, RecordFile, Tried
from guestagent.agent.configuration.sizes import GIB, Machine
from guestagent.agent.control import FakeControl
from guestagent.agent.doctor import examine
from guestagent.agent.edges import Edges
from guestagent.agent.journal import Journal
from guestagent.agent.log_lines import LineFormatter
from guestagent.agent.mailbox import Ear, Mailbox
from guestagent.agent.pausing import Pause, pause, paused
from guestagent.agent.poke import poke
from guestagent.agent.service import Service
from guestagent.agent.settings import Settings, load
from guestagent.cli import doctor
from guestagent.cli.main import main
from guestagent.cli.output import prepared_streams
from guestagent.database.fake import FRESH, FakeDatabase, FakeSourceView
from guestagent.errors import GuestAgentError
from guestagent.metadata import Document, dump
from guestagent.retry import Clock, FakeClock
from guestagent.signal import FakeHandle, Outcome, Sender, Spool, Status
from tests.unit.agent.doctor.surroundings import probes
from tests.unit.golden.agent_work import FINE, SEEN
from tests.unit.golden.embedded_files import FAKE_CLOUD
from tests.unit.golden.signal_files import accept, put

RUNNING = MappingProxyType({"sync_binlog": "0", "log_bin": "ON", "log_slave_updates": "ON", "back_log": "80"})
CONFIG = "[DEFAULT]\nstate = {0}/state\nrun = {0}/run\n[collector]\ncache = {0}/cache\nconfig = {0}/collector.conf\n"
COLLECTOR = "[DEFAULT]\ncommand = guestagent poke\n[cfn]\nmetadata_url = http://heat.example:8000/v1/\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and all that it wrote."""

    code: int
    written: str


class OneTurn(Ear):
    """Ends the agent when it would wait."""

    service: Service | None = None

    def wait(self, seconds: float) -> bool:
        assert self.service is not None
        self.service.end(15, None)
        return True


class Node:
    """`folder` is emptied before each use; `document` says what the node is."""

    def __init__(self, folder: Path, document: Document) -> None:
        self.folder, self.document = folder, document
        self.state = folder / "state"
        data = folder / "data"
        self.database = FakeDatabase(replace(FRESH, folder=f"{data}/"), upstream=SEEN, running=RUNNING)
        self.settings: Settings = replace(
            load(),
            state=self.state,
            run=folder / "run",
            collector_cache=folder / "cache",
            collector_config=folder / "collector.conf",
            database_socket=folder / "mysqld.sock",
            interval=0.1,
        )

    def build(self) -> None:
        """Write every file: those of a node that has been ready, has signalled, and is asked for something new."""
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "guestagent.conf").write_text(CONFIG.format(self.folder))
        (self.folder / "collector.conf").write_text(COLLECTOR)
        (self.folder / "option.cnf").write_text("[mariadbd]\nlog_bin = binlog\n")
        self.collect(json.dumps(dump(self.document)).encode())
        self.poke()
        self.serve()
        file = RecordFile(self.state / "configuration.json")
        file.keep(replace(file.record, phase=Phase.TOOK, tried={"sync_binlog": Tried("7", "too many")}))
        accept(self.state, self.document.handle, Outcome(Status.FAILURE, "not ready", {"role": "source"}))
        put(self.state, self.document.handle, Outcome(Status.SUCCESS, "ready", {"lag": 0, "gtid": "0-1-7"}))
        pause(self.folder / "mark", Pause("alice", "2026-11-23T18:00:00+00:00", "a new disk"))
        shutil.copy(self.folder / "mark" / "paused.json", self.state / "paused.json")
        kept = {name: getattr(FAKE_CLOUD, name) for name in ("pid", "born", "network", "guests", "auth_url")}
        kept |= {"admin_url": "http://127.0.0.1:9/", "username": "u", "project": "p", "region": "r", "password": "s"}
        (self.state / "cloud.json").write_text(json.dumps({**kept, "pid": 4194305, "guests": False}))
        (self.state / "clouds.yaml").write_text("clouds:\n  none:\n    auth: {password: s}\n  other: {}\n")

    def collect(self, content: bytes) -> None:
        """Have os-collect-config collect and commit a document."""
        cache = self.folder / "cache"
        cache.mkdir(exist_ok=True)
        for name in ("cfn.json", "cfn.json.last"):
            (cache / name).write_bytes(content)
        (cache / "os_config_files.json").write_text(json.dumps([str(cache / "cfn.json")]))

    def poke(self) -> None:
        poke({"OS_CONFIG_FILES": str(self.folder / "cache" / "cfn.json")}, self.settings, (), self.folder / "cache")

    def edges(self, settings: Settings, clock: Clock, *more: Any, **named: Any) -> Edges:
        still = FakeClock()
        ground = Ground(
            file=lambda family: self.folder / "option.cnf",
            control=lambda family: FakeControl(),
            machine=lambda data: Machine(2 * GIB, 2, 20 * GIB),
            record=RecordFile(settings.state / "configuration.json"),
            clock=still,
            boot="boot",
        )
        return Edges(
            open=lambda: self.database,
            view=FakeSourceView(FINE),
            journal=Journal(settings.state / "journal.json", still, "boot"),
            clock=still,
            address_towards=lambda host: "10.0.0.8",
            paused=lambda: paused(settings.state),
            configuration=Configuration(ground),
        )

    def serve(self) -> str:
        """Start the resident agent, have it take one turn, and end it; what it has logged."""
        log, ear = io.StringIO(), OneTurn(Mailbox(self.state, self.folder / "run", self.folder / "cache"))
        with logged_to(log), ear:
            ear.service = Service(self.settings, ear, self.edges, self.sender)
            ear.service.run()
        return log.getvalue()

    def sender(self, settings: Settings, clock: Clock, tell: Callable[[str], None]) -> Sender:
        return Sender(Spool(settings.state), clock, connect=FakeHandle().connect, tell=tell, imports=lambda: None)

    def run(self, *words: str) -> Ended:
        """Run a command."""
        own = [] if words[0] in ("cloud", "validate") else ["--config", str(self.folder / "guestagent.conf")]
        with self.standing_in(), written_to(io.StringIO()) as written:
            code = main([*words, *own])
        return Ended(code, written.getvalue())

    def examine(self) -> Ended:
        """Run the doctor."""
        with written_to(io.StringIO()) as written, prepared_streams():
            code = doctor._as_text(examine(self.settings, self.edges(self.settings, FakeClock()), probes()))
        return Ended(code, written.getvalue())

    def be_poked(self) -> Ended:
        """Run the collector's command."""
        with written_to(io.StringIO()) as written:
            try:
                self.poke()
            except GuestAgentError as error:
                return Ended(error.exit_code, str(error))
        return Ended(0, written.getvalue())

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """Patched in, because the settings name the socket of a real server."""
        with mock.patch.object(parts, "edges", self.edges):
            yield


@contextmanager
def written_to(stream: io.StringIO) -> Iterator[io.StringIO]:
    with redirect_stdout(stream), redirect_stderr(stream):
        yield stream


@contextmanager
def logged_to(stream: io.StringIO) -> Iterator[None]:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    log = logging.getLogger("guestagent")
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = before


