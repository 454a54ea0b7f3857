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

from guestagent.agent import wiring
from guestagent.agent.daemon import AgentDaemon
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.doctor import examine_node
from guestagent.agent.inbox import DocumentInbox, DocumentListener
from guestagent.agent.journal import Journal
from guestagent.agent.log_format import LineFormatter
from guestagent.agent.pause import Pause, read_pause, write_pause
from guestagent.agent.poke import deliver_document
from guestagent.agent.server_config import ConfigurationDependencies, ServerConfiguration
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import Phase, SetAttempt
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.agent.service_control import FakeServiceControl
from guestagent.agent.settings import Settings, load_settings
from guestagent.byte_units import GIB
from guestagent.cli import doctor
from guestagent.cli.command_line import main
from guestagent.cli.output import prepare_streams
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.errors import GuestAgentError
from guestagent.metadata import Document, dump
from guestagent.retry import Clock, FakeClock
from guestagent.signal import FakeHandle, Sender, SignalOutcome, SignalStatus, Spool
from tests.support.doctor_probes import build_probes
from tests.unit.golden.agent_work import SOURCE_HISTORY, SOURCE_STATE
from tests.unit.golden.embedded_files import FAKE_CLOUD
from tests.unit.golden.signal_files import accept, put

RUNNING = MappingProxyType({"sync_binlog": "0", "log_bin": "ON", "log_slave_updates": "ON", "back_log": "80"})
CONFIG = "[DEFAULT]\nstate = {0}/state\nrun = {0}/run\n[collector]\ncache = {0}/cache\nconfig = {0}/collector.conf\n"
COLLECTOR = "[DEFAULT]\ncommand = guestagent poke\n[cfn]\nmetadata_url = http://heat.example:8000/v1/\n"


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """How a command ended: its exit code, and all that it wrote."""

    code: int
    output: str


class SingleTurnListener(DocumentListener):
    """Ends the agent when it would wait."""

    service: AgentDaemon | None = None

    def wait(self, seconds: float) -> bool:
        assert self.service is not None
        self.service.request_stop(15, None)
        return True


class Node:
    """`folder` is emptied before each use; `document` is the node's metadata."""

    def __init__(self, folder: Path, document: Document) -> None:
        self.folder, self.document = folder, document
        self.state = folder / "state"
        data = folder / "data"
        self.database = FakeDatabase(
            replace(FRESH_SERVER, data_directory=f"{data}/"),
            source_history=SOURCE_HISTORY,
            global_variables=RUNNING,
        )
        self.settings: Settings = replace(
            load_settings(),
            state_folder=self.state,
            run_folder=folder / "run",
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
        file = ChangeFile(self.state / "configuration.json")
        file.write(
            replace(file.state, phase=Phase.APPLIED, tried={"sync_binlog": SetAttempt("7", "too many")})
        )
        accept(
            self.state,
            self.document.handle,
            SignalOutcome(SignalStatus.FAILURE, "not ready", {"role": "source"}),
        )
        put(
            self.state,
            self.document.handle,
            SignalOutcome(SignalStatus.SUCCESS, "ready", {"lag": 0, "gtid": "0-1-7"}),
        )
        write_pause(self.folder / "mark", Pause("alice", "2026-11-23T18:00:00+00:00", "a new disk"))
        shutil.copy(self.folder / "mark" / "paused.json", self.state / "paused.json")
        kept = {name: getattr(FAKE_CLOUD, name) for name in ("pid", "born", "network", "guests", "auth_url")}
        kept |= {
            "admin_url": "http://127.0.0.1:9/",
            "username": "u",
            "project": "p",
            "region": "r",
            "password": "s",
        }
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
        deliver_document(
            {"OS_CONFIG_FILES": str(self.folder / "cache" / "cfn.json")},
            self.settings,
            (),
            self.folder / "cache",
        )

    def build_dependencies(
        self, settings: Settings, clock: Clock, *more: Any, **named: Any
    ) -> PassDependencies:
        still = FakeClock()
        ground = ConfigurationDependencies(
            option_path=lambda family: self.folder / "option.cnf",
            service_control=lambda family: FakeServiceControl(),
            host_resources=lambda data: HostResources(2 * GIB, 20 * GIB),
            change_file=ChangeFile(settings.state_folder / "configuration.json"),
            clock=still,
            boot_id="boot",
        )
        return PassDependencies(
            open_database=lambda: self.database,
            source_view=FakeSourceProbe(SOURCE_STATE),
            journal=Journal(settings.state_folder / "journal.json", still, "boot"),
            clock=still,
            find_own_address=lambda host: "10.0.0.8",
            read_pause=lambda: read_pause(settings.state_folder),
            configuration=ServerConfiguration(ground),
        )

    def serve(self) -> str:
        """Start the resident agent, have it take one turn, and end it; what it has logged."""
        log, ear = (
            io.StringIO(),
            SingleTurnListener(DocumentInbox(self.state, self.folder / "run", self.folder / "cache")),
        )
        with capture_log(log), ear:
            ear.service = AgentDaemon(self.settings, ear, self.build_dependencies, self.build_sender)
            ear.service.run()
        return log.getvalue()

    def build_sender(self, settings: Settings, clock: Clock, tell: Callable[[str], None]) -> Sender:
        return Sender(
            Spool(settings.state_folder),
            clock,
            connect=FakeHandle().connect,
            report=tell,
            import_client=lambda: None,
        )

    def run(self, *words: str) -> CommandOutcome:
        """Run a command."""
        own = [] if words[0] in ("cloud", "validate") else ["--config", str(self.folder / "guestagent.conf")]
        with self.patch_server(), capture_output(io.StringIO()) as written:
            code = main([*words, *own])
        return CommandOutcome(code, written.getvalue())

    def examine(self) -> CommandOutcome:
        """Run the doctor."""
        with capture_output(io.StringIO()) as written, prepare_streams():
            code = doctor._print_text(
                examine_node(
                    self.settings, self.build_dependencies(self.settings, FakeClock()), build_probes()
                )
            )
        return CommandOutcome(code, written.getvalue())

    def run_collector_command(self) -> CommandOutcome:
        """Run the collector's command."""
        with capture_output(io.StringIO()) as written:
            try:
                self.poke()
            except GuestAgentError as error:
                return CommandOutcome(error.exit_code, str(error))
        return CommandOutcome(0, written.getvalue())

    @contextmanager
    def patch_server(self) -> Iterator[None]:
        """Patched in, because the settings name the socket of a real server."""
        with mock.patch.object(wiring, "build_dependencies", self.build_dependencies):
            yield


@contextmanager
def capture_output(stream: io.StringIO) -> Iterator[io.StringIO]:
    with redirect_stdout(stream), redirect_stderr(stream):
        yield stream


@contextmanager
def capture_log(stream: io.StringIO) -> Iterator[None]:
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
