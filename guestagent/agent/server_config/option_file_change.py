"""The server's configuration on this machine: looks, writes the option file, restarts, and takes back what failed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.server_config.change_state import ChangeFile, ChangeState, Phase, SetAttempt
from guestagent.agent.server_config.option_file import is_same_value, render_option_file
from guestagent.agent.server_config.plan import (
    CONDITION_NAME,
    ConfigurationSnapshot,
    ConfigurationStep,
    RestartServer,
    WriteOptions,
    select_known_settings,
)
from guestagent.agent.server_config.removed_variables import (
    collect_originals,
    find_reverts,
    list_removed_variables,
)
from guestagent.agent.server_config.rollback import OPTION_FILE_MODE, Rollback, WaitCallback
from guestagent.agent.server_config.settings import RunningServer, build_settings
from guestagent.agent.server_config.sizing import HostResources
from guestagent.agent.service_control import ServiceControl
from guestagent.database.protocols import Database
from guestagent.database.steps import SERVER_DEFAULT, SetVariable
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Section, UnresolvedFunction
from guestagent.retry import Clock

PATH_VARIABLES = (
    "datadir",
    "socket",
    "log_error",
    "log_bin",
    "log_bin_basename",
    "relay_log",
    "relay_log_basename",
)


@dataclass(frozen=True, slots=True)
class ConfigurationDependencies:
    """What of the machine a configuration needs. `file(family)`: the option file's path, None where none is managed.

    `control(family)`: the server as a service; `machine(datadir)`: how large this machine is. `boot` names the boot in
    which `clock` counts.
    """

    option_path: Callable[[str], Path | None]
    service_control: Callable[[str], ServiceControl]
    host_resources: Callable[[str], HostResources]
    change_file: ChangeFile
    clock: Clock
    boot_id: str


class ServerConfiguration:
    """One server's. Remembers nothing that is not in the record: any cut is met by the next pass."""

    def __init__(self, ground: ConfigurationDependencies) -> None:
        self._ground = ground
        self._rollback = Rollback(ground.change_file, ground.service_control, ground.clock, ground.boot_id)

    def observe(
        self, database: Database, version: str, server_id: int, host: str, section: Section
    ) -> ConfigurationSnapshot | None:
        """What is, and what should be; None where no option file is managed here."""
        family = database.dialect.family
        path = self._ground.option_path(family)
        if path is None:
            return None
        asked = {
            name: value
            for name, value in section.variables.items()
            if not isinstance(value, UnresolvedFunction)
        }
        seen = database.read_variables(PATH_VARIABLES)
        server = RunningServer(family, _numbers(version), _log(seen, "log_bin"), _log(seen, "relay_log"))
        wanted = build_settings(
            self._ground.host_resources(seen.get("datadir", "/")), server, server_id, host, asked
        )
        record, before = self._ground.change_file.state, _content(path)
        candidates = list_removed_variables(record, before, wanted, family)
        names = frozenset(each.name for each in wanted) | candidates
        running = {**seen, **database.read_variables(names)}
        return ConfigurationSnapshot(
            path=str(path),
            current_text=before,
            text=render_option_file(family, select_known_settings(wanted, running)),
            settings=wanted,
            running_values=running,
            change=record,
            requested=json.dumps(asked, sort_keys=True),
            reverts=tuple(find_reverts(candidates, record, before, running, family)),
        )

    def apply_step(
        self,
        step: ConfigurationStep,
        look: ConfigurationSnapshot,
        database: Database,
        meanwhile: WaitCallback,
    ) -> None:
        """One step. After a RestartServer the database is another one: open it again."""
        match step:
            case WriteOptions():
                self._write(step, look, database.dialect.family)
            case SetVariable():
                self._set(step, database)
            case RestartServer():
                self._restart(look, database.dialect.family, meanwhile)

    def record_ready(self, look: ConfigurationSnapshot) -> None:
        """The node is ready with these Variables: from now on only other ones may restart its server."""
        record = self._ground.change_file
        kept = {each.name for each in look.settings if each.is_requested} | {
            each.name for each in look.pending_reverts
        }
        originals = {name: value for name, value in record.state.originals.items() if name in kept}
        record.write(replace(record.state, proved=look.requested, originals=originals))

    def record_answer(self, database: Database) -> None:
        """A server answers: is it another one than that which was to be restarted, or in which the file was written?"""
        file = self._ground.change_file
        record = file.state
        if record.phase not in (Phase.WRITTEN, Phase.RESTARTING, Phase.RESTORING):
            return
        same_one = record.server == _life(database.read_variables({"socket"}))
        if record.phase is Phase.RESTARTING and same_one and not record.why:
            # Killed before the restart: it is still to be done.
            file.write(replace(record, phase=Phase.WRITTEN))
        elif record.phase is Phase.RESTARTING or (record.phase is Phase.WRITTEN and not same_one):
            file.write(replace(record, phase=Phase.APPLIED))
        elif record.phase is Phase.RESTORING:
            # It answers with whichever file it found: the one before is put where it belongs.
            self._rollback.restore_file()
            file.write(replace(record, phase=Phase.REFUSED))

    def handle_silence(self, silence: str, patience: float, meanwhile: WaitCallback) -> Condition | None:
        """Nobody answers: what a restart of ours has to do with it. None where nothing has.

        `patience`: seconds after the restart when the file before it is put back, if the server is still silent.
        """
        return self._rollback.recover_server(silence, patience, meanwhile)

    def describe_rollback(self, silence: str) -> Condition | None:
        """How the server does with the previous file; None if none was put back, or the server has answered since."""
        return self._rollback.describe_rollback(silence)

    def _write(self, step: WriteOptions, look: ConfigurationSnapshot, family: str) -> None:
        file = self._ground.change_file
        previous = file.state.get_restore_text(step.current_text)
        written = self._of(look, family, Phase.WRITTEN, previous)
        originals = collect_originals(
            file.state, step.current_text, look.settings, look.reverts, look.running_values
        )
        file.write(replace(written, last=step.current_text or "", originals=originals))
        atomic_file.write_file(Path(step.path).resolve(), step.text.encode(), OPTION_FILE_MODE)

    def _of(
        self, look: ConfigurationSnapshot, family: str, phase: Phase, previous: str | None
    ) -> ChangeState:
        return replace(
            self._ground.change_file.state,
            phase=phase,
            family=family,
            path=look.path,
            text=look.text,
            previous=previous,
            since=self._ground.clock.now(),
            boot=self._ground.boot_id,
            server=_life(look.running_values),
            log=_error_log(look.running_values),
            why="",
        )

    def _set(self, step: SetVariable, database: Database) -> None:
        """What the server makes of the value is noted, so that it is not set again and again."""
        why = ""
        try:
            database.apply(step)
        except DatabaseRefused as error:
            why = f"{error.number}, {error.text}"
        now = database.read_variables({step.name}).get(step.name, "")
        file = self._ground.change_file
        tried = {name: each for name, each in file.state.tried.items() if name != step.name}
        originals = dict(file.state.originals)
        if step.value == SERVER_DEFAULT and not why:
            originals[step.name] = now
        elif not is_same_value(step.value, now):
            tried[step.name] = SetAttempt(step.value, why)
        file.write(replace(file.state, tried=tried, originals=originals))

    def _restart(self, look: ConfigurationSnapshot, family: str, meanwhile: WaitCallback) -> None:
        file = self._ground.change_file
        begun = self._of(look, family, Phase.RESTARTING, file.state.get_restore_text(look.text))
        file.write(begun)
        ended = self._ground.service_control(family).restart(meanwhile)
        if not ended.is_success:
            file.write(replace(begun, why=ended.output or "the restart command failed"))


def judge_unmanaged_host(section: Section) -> Condition | None:
    """Why Variables cannot be had where no option file is managed; None where none are asked for."""
    if not section.variables:
        return None
    wanted = f"the variables {', '.join(sorted(section.variables))}"
    do = "take an image with an element of guestagent's, or say [database] option_file in its settings"
    return Condition(
        CONDITION_NAME, ConditionState.FINAL, wanted, "a machine without an option file of the agent's", do
    )


def _content(path: Path) -> str | None:
    content = atomic_file.read_file(path)
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
