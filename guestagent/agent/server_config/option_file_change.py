"""The server's configuration on this machine: observes it, writes the option file, sets variables, restarts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.model import Condition
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import Phase
from guestagent.agent.server_config.error_log import read_errors_since_ready
from guestagent.agent.server_config.option_file import render_option_file
from guestagent.agent.server_config.plan import (
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
from guestagent.agent.server_config.rollback import Rollback, WaitCallback
from guestagent.agent.server_config.server_variables import (
    PATH_VARIABLES,
    build_running_server,
    find_error_log,
)
from guestagent.agent.server_config.settings import build_settings
from guestagent.agent.server_config.transitions import (
    ChangeContext,
    FileWritten,
    NodeReady,
    RestartBegun,
    RestartFailed,
    ServerAnswered,
    VariableSet,
)
from guestagent.agent.server_instance import identify_server_instance
from guestagent.agent.server_sizes.option_file_path import OPTION_FILE_MODE, OPTION_FILES
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.agent.service_control import ServiceControl
from guestagent.database.protocols import Database
from guestagent.database.steps import SetVariable
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Section, UnresolvedFunction
from guestagent.retry import Clock


@dataclass(frozen=True, slots=True)
class ConfigurationDependencies:
    """The parts of the machine that a configuration needs.

    `option_path(family)`: the option file, None if the agent manages none. `default_option_path(family)`: where the
    image should have it. `host_resources(datadir)`: the size of the machine. `boot_id` names the boot in which `clock`
    counts.
    """

    option_path: Callable[[str], Path | None]
    service_control: Callable[[str], ServiceControl]
    host_resources: Callable[[str], HostResources]
    change_file: ChangeFile
    clock: Clock
    boot_id: str
    default_option_path: Callable[[str], Path | None] = lambda family: None


class ServerConfiguration:
    """The configuration of one server. All state is in the change file, so any pass can go on."""

    def __init__(self, dependencies: ConfigurationDependencies) -> None:
        self._dependencies, self._change_file = dependencies, dependencies.change_file
        self._rollback = Rollback(
            dependencies.change_file,
            dependencies.service_control,
            dependencies.clock,
            dependencies.boot_id,
        )

    def observe(
        self, database: Database, version: str, server_id: int, host: str, section: Section
    ) -> ConfigurationSnapshot | None:
        """Compare the configuration with the desired one; None if the agent manages no option file here."""
        family = database.dialect.family
        path = self._dependencies.option_path(family) or self._find_lost_file(family)
        if path is None:
            return None
        requested = {
            name: value
            for name, value in section.variables.items()
            if not isinstance(value, UnresolvedFunction)
        }
        variables = database.read_variables(PATH_VARIABLES)
        server = build_running_server(family, version, variables)
        resources = self._dependencies.host_resources(variables.get("datadir", "/"))
        settings = build_settings(resources, server, server_id, host, requested)
        state, current_text = self._change_file.state, _read_text(path)
        removed = list_removed_variables(state, current_text, settings, family)
        names = frozenset(each.name for each in settings) | removed
        variables = {**variables, **database.read_variables(names)}
        return ConfigurationSnapshot(
            path=str(path),
            current_text=current_text,
            text=render_option_file(family, select_known_settings(settings, variables)),
            settings=settings,
            running_values=variables,
            change=state,
            requested=json.dumps(requested, sort_keys=True),
            reverts=tuple(find_reverts(removed, state, current_text, variables, family)),
        )

    def apply_step(
        self,
        step: ConfigurationStep,
        snapshot: ConfigurationSnapshot,
        database: Database,
        meanwhile: WaitCallback,
    ) -> None:
        """Apply one step. After a RestartServer the connection is gone: open the database again."""
        match step:
            case WriteOptions():
                self._write_file(step, snapshot, database.dialect.family)
            case SetVariable():
                self._set_variable(step, database)
            case RestartServer():
                self._restart_server(snapshot, database.dialect.family, meanwhile)

    def _find_lost_file(self, family: str) -> Path | None:
        """Return the path of an option file that the agent has written and somebody has removed.

        Without it the next start of the server would be neither read-only nor logged: it is written again.
        """
        state = self._change_file.state
        path = Path(state.path)
        return path if state.path and state.family == family and path.parent.is_dir() else None

    def record_ready(self, snapshot: ConfigurationSnapshot) -> None:
        """Record that the node is ready with these Variables: from now on only other ones may restart its server."""
        names = {each.name for each in snapshot.settings if each.is_requested}
        names |= {each.name for each in snapshot.pending_reverts}
        self._change_file.record(NodeReady(snapshot.requested, frozenset(names)))

    def record_answer(self, database: Database) -> None:
        """Record that a server answers, and whether it was restarted since the file was written."""
        state = self._change_file.state
        if not state.is_waiting_for_answer:
            return
        is_same_instance = state.server == _identify_instance(database.read_variables({"socket"}))
        if state.phase is Phase.RESTORING:
            # The server may have started with either file: from now on it finds the previous one.
            self._rollback.restore_file()
        self._change_file.record(ServerAnswered(is_same_instance))

    def handle_silence(self, silence: str, patience: float, meanwhile: WaitCallback) -> Condition | None:
        """Recover a server that does not answer; None if no restart by the agent is the reason.

        `patience`: seconds after the restart when the previous file is put back, if the server is still silent.
        """
        return self._rollback.recover_server(silence, patience, meanwhile)

    def describe_silence(self, silence: str) -> str:
        """Return the text of a connection error, with the errors that the server has logged since it was ready."""
        state = self._change_file.state
        errors = (
            read_errors_since_ready(family, state.log, self._dependencies.service_control(family))
            for family in self._list_possible_families()
        )
        last_errors = next(filter(None, errors), "")
        return f"{silence}; the server's last errors: {last_errors}" if last_errors else silence

    def find_missing_file(self, family: str) -> str:
        """Return the path of the agent's option file if the image or somebody has left it out, otherwise ""."""
        dependencies = self._dependencies
        path = dependencies.option_path(family) or self._find_lost_file(family)
        path = path or dependencies.default_option_path(family)
        return "" if path is None or path.exists() else str(path)

    def _list_possible_families(self) -> tuple[str, ...]:
        """List the families that the server may belong to: before its first answer only the image shows it."""
        family = self._change_file.state.family
        if family:
            return (family,)
        return tuple(each for each in OPTION_FILES if self._dependencies.option_path(each)) or (
            *OPTION_FILES,
        )

    def describe_rollback(self, silence: str) -> Condition | None:
        """Judge the server with the previous file; None if none was put back, or the server has answered since."""
        return self._rollback.describe_rollback(silence)

    def _write_file(self, step: WriteOptions, snapshot: ConfigurationSnapshot, family: str) -> None:
        originals = collect_originals(
            self._change_file.state,
            step.current_text,
            snapshot.settings,
            snapshot.reverts,
            snapshot.running_values,
        )
        context = self._build_context(snapshot, family)
        self._change_file.record(FileWritten(context, step.current_text, originals))
        atomic_file.write_file(Path(step.path).resolve(), step.text.encode(), OPTION_FILE_MODE)

    def _set_variable(self, step: SetVariable, database: Database) -> None:
        error_text = ""
        try:
            database.apply(step)
        except DatabaseRefused as error:
            error_text = f"{error.number}, {error.text}"
        actual = database.read_variables({step.name}).get(step.name, "")
        self._change_file.record(VariableSet(step.name, step.value, actual, error_text))

    def _restart_server(self, snapshot: ConfigurationSnapshot, family: str, meanwhile: WaitCallback) -> None:
        self._change_file.record(RestartBegun(self._build_context(snapshot, family)))
        result = self._dependencies.service_control(family).restart(meanwhile)
        if not result.is_success:
            self._change_file.record(RestartFailed(result.output or "the restart command failed"))

    def _build_context(self, snapshot: ConfigurationSnapshot, family: str) -> ChangeContext:
        return ChangeContext(
            family,
            snapshot.path,
            snapshot.text,
            server=_identify_instance(snapshot.running_values),
            error_log=find_error_log(snapshot.running_values),
            time=self._dependencies.clock.now(),
            boot_id=self._dependencies.boot_id,
        )


def _read_text(path: Path) -> str | None:
    content = atomic_file.read_file(path)
    return None if content is None else content.decode("utf-8", "replace")


def _identify_instance(variables: Mapping[str, str]) -> str:
    """Identify the instance of the server, as the change file spells it."""
    instance = identify_server_instance(Path(variables.get("socket", "")))
    return "gone" if instance is None else "{}-{}".format(*instance)
