"""The server's configuration on this machine: looks, writes the option file, restarts, and takes back what failed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent import durable
from guestagent.agent.configuration.deciding import (
    NAME,
    Look,
    RestartServer,
    Step,
    WriteOptions,
    known,
)
from guestagent.agent.configuration.leaving import find_leaving, list_candidates, remember_originals
from guestagent.agent.configuration.optionfile import same, text
from guestagent.agent.configuration.record import Phase, Record, RecordFile, Tried
from guestagent.agent.configuration.rollback import READABLE, Meanwhile, Rollback
from guestagent.agent.configuration.sizes import Machine
from guestagent.agent.configuration.wanted import Server, settings
from guestagent.agent.control import ServiceControl
from guestagent.agent.model import Agreement, Condition
from guestagent.database.edge import Database
from guestagent.database.steps import SERVER_DEFAULT, SetVariable
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Section, Unresolved
from guestagent.retry import Clock

PLACES = ("datadir", "socket", "log_error", "log_bin", "log_bin_basename", "relay_log", "relay_log_basename")


@dataclass(frozen=True, slots=True)
class Ground:
    """What of the machine a configuration needs. `file(family)`: the option file's path, None where none is managed.

    `control(family)`: the server as a service; `machine(datadir)`: how large this machine is. `boot` names the boot in
    which `clock` counts.
    """

    file: Callable[[str], Path | None]
    control: Callable[[str], ServiceControl]
    machine: Callable[[str], Machine]
    record: RecordFile
    clock: Clock
    boot: str


class Configuration:
    """One server's. Remembers nothing that is not in the record: any cut is met by the next pass."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._rollback = Rollback(ground.record, ground.control, ground.clock, ground.boot)

    def look(
        self, database: Database, version: str, server_id: int, host: str, section: Section
    ) -> Look | None:
        """What is, and what should be; None where no option file is managed here."""
        family = database.dialect.family
        path = self._ground.file(family)
        if path is None:
            return None
        asked = {
            name: value for name, value in section.variables.items() if not isinstance(value, Unresolved)
        }
        seen = database.variables(PLACES)
        server = Server(family, _numbers(version), _log(seen, "log_bin"), _log(seen, "relay_log"))
        wanted = settings(self._ground.machine(seen.get("datadir", "/")), server, server_id, host, asked)
        record, before = self._ground.record.record, _content(path)
        candidates = list_candidates(record, before, wanted, family)
        names = frozenset(each.name for each in wanted) | candidates
        running = {**seen, **database.variables(names)}
        return Look(
            path=str(path),
            before=before,
            text=text(family, known(wanted, running)),
            settings=wanted,
            running=running,
            record=record,
            asked=json.dumps(asked, sort_keys=True),
            leaving=tuple(find_leaving(candidates, record, before, running, family)),
        )

    def do(self, step: Step, look: Look, database: Database, meanwhile: Meanwhile) -> None:
        """One step. After a RestartServer the database is another one: open it again."""
        match step:
            case WriteOptions():
                self._write(step, look, database.dialect.family)
            case SetVariable():
                self._set(step, database)
            case RestartServer():
                self._restart(look, database.dialect.family, meanwhile)

    def ready(self, look: Look) -> None:
        """The node is ready with these Variables: from now on only other ones may restart its server."""
        record = self._ground.record
        kept = {each.name for each in look.settings if each.asked} | {each.name for each in look.lingering}
        originals = {name: value for name, value in record.record.originals.items() if name in kept}
        record.keep(replace(record.record, proved=look.asked, originals=originals))

    def answered(self, database: Database) -> None:
        """A server answers: is it another one than that which was to be restarted, or in which the file was written?"""
        file = self._ground.record
        record = file.record
        if record.phase not in (Phase.WRITTEN, Phase.RESTARTING, Phase.RETURNING):
            return
        same_one = record.server == _life(database.variables({"socket"}))
        if record.phase is Phase.RESTARTING and same_one and not record.why:
            # Killed before the restart: it is still to be done.
            file.keep(replace(record, phase=Phase.WRITTEN))
        elif record.phase is Phase.RESTARTING or (record.phase is Phase.WRITTEN and not same_one):
            file.keep(replace(record, phase=Phase.TOOK))
        elif record.phase is Phase.RETURNING:
            # It answers with whichever file it found: the one before is put where it belongs.
            self._rollback.return_file()
            file.keep(replace(record, phase=Phase.REFUSED))

    def unanswered(self, silence: str, patience: float, meanwhile: Meanwhile) -> Condition | None:
        """Nobody answers: what a restart of ours has to do with it. None where nothing has.

        `patience`: seconds after the restart when the file before it is put back, if the server is still silent.
        """
        return self._rollback.recover(silence, patience, meanwhile)

    def describe_rollback(self, silence: str) -> Condition | None:
        """How the server does with the previous file; None if none was put back, or the server has answered since."""
        return self._rollback.describe(silence)

    def _write(self, step: WriteOptions, look: Look, family: str) -> None:
        file = self._ground.record
        previous = file.record.before(step.before)
        written = self._of(look, family, Phase.WRITTEN, previous)
        originals = remember_originals(file.record, step.before, look.settings, look.leaving, look.running)
        file.keep(replace(written, last=step.before or "", originals=originals))
        durable.write(Path(step.path).resolve(), step.text.encode(), READABLE)

    def _of(self, look: Look, family: str, phase: Phase, previous: str | None) -> Record:
        return replace(
            self._ground.record.record,
            phase=phase,
            family=family,
            path=look.path,
            text=look.text,
            previous=previous,
            since=self._ground.clock.now(),
            boot=self._ground.boot,
            server=_life(look.running),
            log=_error_log(look.running),
            why="",
        )

    def _set(self, step: SetVariable, database: Database) -> None:
        """What the server makes of the value is noted, so that it is not set again and again."""
        why = ""
        try:
            database.apply(step)
        except DatabaseRefused as error:
            why = f"{error.number}, {error.text}"
        now = database.variables({step.name}).get(step.name, "")
        file = self._ground.record
        tried = {name: each for name, each in file.record.tried.items() if name != step.name}
        originals = dict(file.record.originals)
        if step.value == SERVER_DEFAULT and not why:
            originals[step.name] = now
        elif not same(step.value, now):
            tried[step.name] = Tried(step.value, why)
        file.keep(replace(file.record, tried=tried, originals=originals))

    def _restart(self, look: Look, family: str, meanwhile: Meanwhile) -> None:
        file = self._ground.record
        begun = self._of(look, family, Phase.RESTARTING, file.record.before(look.text))
        file.keep(begun)
        ended = self._ground.control(family).restart(meanwhile)
        if not ended.ok:
            file.keep(replace(begun, why=ended.said or "the restart command failed"))


def unmanaged(section: Section) -> Condition | None:
    """Why Variables cannot be had where no option file is managed; None where none are asked for."""
    if not section.variables:
        return None
    wanted = f"the variables {', '.join(sorted(section.variables))}"
    do = "take an image with an element of guestagent's, or say [database] option_file in its settings"
    return Condition(NAME, Agreement.FINAL, wanted, "a machine without an option file of the agent's", do)


def _content(path: Path) -> str | None:
    content = durable.read(path)
    return None if content is None else content.decode("utf-8", "replace")


def _life(running: Mapping[str, str]) -> str:
    """Tells one life of the server from the next: each makes its socket anew."""
    try:
        found = Path(running.get("socket", "")).stat()
    except OSError:
        return "gone"
    return f"{found.st_ino}-{found.st_ctime_ns}"


def _error_log(running: Mapping[str, str]) -> str:
    log = running.get("log_error", "")
    return str(Path(running.get("datadir", "/")) / log) if log and log != "stderr" else ""


def _log(seen: Mapping[str, str], name: str) -> str:
    """A log's name as it is in use: another one would begin anew, and leave what replicas still need."""
    if name == "log_bin" and seen.get("log_bin") != "ON":
        return ""
    used, folder = seen.get(f"{name}_basename") or "", seen.get("datadir") or "/"
    if name == "relay_log":
        used = seen.get("relay_log") or ""
    return used.removeprefix(folder if folder.endswith("/") else f"{folder}/")


def _numbers(version: str) -> tuple[int, int, int]:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return (0, 0, 0) if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
