"""The part of a pass that changes the server's configuration, through restarts and silences of the server."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.model import Condition, ConditionState, Readiness
from guestagent.agent.outcome import Progress
from guestagent.agent.server_config.conditions import (
    CONDITION_NAME,
    judge_configuration,
    judge_unmanaged_host,
)
from guestagent.agent.server_config.plan import ConfigurationSnapshot, ConfigurationStep, RestartServer
from guestagent.database.local_server_advice import get_connection_advice
from guestagent.database.protocols import Database
from guestagent.errors import StorageError
from guestagent.metadata.document import Section


class _DeadlineExceeded(Exception):
    """The deadline came while the database server was being started."""


class ChangeCycle:
    """Applies the steps of a configuration. `deadline_s`: the deadline of the pass, in seconds of the journal."""

    def __init__(
        self, section: Section, dependencies: PassDependencies, check_interruption: Callable[[], None]
    ) -> None:
        """`check_interruption` raises an exception if the pass is no longer wanted."""
        self._section, self._dependencies = section, dependencies
        self._check_interruption = check_interruption
        self.deadline_s = math.inf

    def apply_steps(
        self, steps: Iterable[ConfigurationStep], snapshot: ConfigurationSnapshot, database: Database
    ) -> str:
        """Apply the steps. Return "", or the result of a restart, after which the database must be opened again."""
        dependencies, configuration = self._dependencies, self._dependencies.configuration
        assert configuration is not None
        for step in steps:
            self._check_interruption()
            if dependencies.read_pause() is not None:
                return ""
            self._report_progress(str(step))
            try:
                configuration.apply_step(step, snapshot, database, partial(self._check_progress, str(step)))
            except _DeadlineExceeded:
                return "it is being restarted; the command had not ended at the deadline"
            if isinstance(step, RestartServer):
                return "it was restarted"
        return ""

    def add_condition(self, readiness: Readiness, snapshot: ConfigurationSnapshot | None) -> Readiness:
        """Add the condition of the configuration, and record the one with which the node is ready."""
        condition = judge_unmanaged_host(self._section) if snapshot is None else judge_configuration(snapshot)
        if condition is not None:
            readiness = Readiness.from_conditions(*readiness.conditions, condition)
        configuration = self._dependencies.configuration
        if readiness.is_ready and snapshot is not None and configuration is not None:
            configuration.record_ready(snapshot)
        return readiness

    def handle_silence(self, silence: str) -> Readiness:
        """Judge a server that does not answer. After a restart, the previous option file may have to be put back."""
        condition = self._recover_server(silence)
        if condition is None:
            configuration = self._dependencies.configuration
            actual = silence if configuration is None else configuration.describe_silence(silence)
            advice = get_connection_advice(silence)
            condition = Condition("server", ConditionState.PENDING, "an answer", actual, advice)
        return Readiness.from_conditions(condition)

    def _recover_server(self, silence: str) -> Condition | None:
        configuration = self._dependencies.configuration
        if configuration is None or self._dependencies.read_pause() is not None:
            return None
        patience, check = float(self._section.deadline), partial(self._check_progress, "wait for the server")
        try:
            return configuration.handle_silence(silence, patience, check)
        except _DeadlineExceeded:
            condition = configuration.describe_rollback(silence)
            return condition or build_restart_condition(f"{silence}; it is being started")
        except StorageError as error:
            return Condition("journal", ConditionState.PENDING, "a file on the disk", str(error))

    def _check_progress(self, activity: str) -> None:
        """Report progress while a service command runs, and end it at the deadline or after an interruption."""
        self._check_interruption()
        if self._report_progress(activity) >= self.deadline_s:
            raise _DeadlineExceeded

    def _report_progress(self, activity: str) -> float:
        elapsed = self._dependencies.journal.elapsed_s
        self._dependencies.report_progress(Progress(None, activity, elapsed))
        return elapsed


def build_restart_condition(actual: str) -> Condition:
    """Build the condition while the server is being restarted."""
    return Condition(CONDITION_NAME, ConditionState.PENDING, "the server to run with its option file", actual)
