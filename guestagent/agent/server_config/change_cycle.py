"""The part of a pass that brings the server's configuration about, through restarts and silences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

from guestagent.agent import server_config
from guestagent.agent.dependencies import PassDependencies, Progress
from guestagent.agent.model import Condition, ConditionState, Readiness
from guestagent.agent.server_config import ConfigurationSnapshot, RestartServer, judge_unmanaged_host
from guestagent.database.connection_advice import get_connection_advice
from guestagent.database.protocols import Database
from guestagent.errors import StorageError
from guestagent.metadata.document import Section


class _Late(Exception):
    """The deadline came while the database server was being started."""


class ChangeCycle:
    """`unless_cut` ends the pass where it is no longer wanted. `until`: the deadline, in seconds of the journal."""

    def __init__(self, section: Section, edges: PassDependencies, unless_cut: Callable[[], None]) -> None:
        self._section, self._edges, self._unless_cut = section, edges, unless_cut
        self.deadline_s = math.inf

    def apply_steps(
        self,
        steps: Iterable[server_config.ConfigurationStep],
        look: ConfigurationSnapshot,
        database: Database,
    ) -> str:
        """Do them. "", or what became of a restart of the server, after which it must be opened again."""
        edges = self._edges
        assert edges.configuration is not None
        for step in steps:
            self._unless_cut()
            if edges.read_pause() is not None:
                return ""
            edges.report_progress(Progress(None, str(step), edges.journal.elapsed_s))
            try:
                edges.configuration.apply_step(step, look, database, partial(self._meanwhile, str(step)))
            except _Late:
                return "it is being restarted; the command had not ended at the deadline"
            if isinstance(step, RestartServer):
                return "it was restarted"
        return ""

    def add_condition(self, found: Readiness, settings: ConfigurationSnapshot | None) -> Readiness:
        """With the condition of the configuration; what a ready node was ready with is kept."""
        ours = self._edges.configuration
        judged = (
            judge_unmanaged_host(self._section)
            if settings is None
            else server_config.judge_configuration(settings)
        )
        if judged is not None:
            found = Readiness.from_conditions(*found.conditions, judged)
        if found.is_ready and settings is not None and ours is not None:
            ours.record_ready(settings)
        return found

    def _meanwhile(self, doing: str) -> None:
        """While a service command is at work: the progress, the deadline, and whether to go on at all."""
        self._unless_cut()
        spent = self._edges.journal.elapsed_s
        self._edges.report_progress(Progress(None, doing, spent))
        if spent >= self.deadline_s:
            raise _Late

    def handle_silence(self, silence: str) -> Readiness:
        """Nobody answers: after a restart of ours the file before may have to be put back."""
        ours, told = self._edges.configuration, None
        if ours is not None and self._edges.read_pause() is None:
            patience = float(self._section.deadline)
            try:
                told = ours.handle_silence(silence, patience, partial(self._meanwhile, "wait for the server"))
            except _Late:
                told = ours.describe_rollback(silence) or build_restart_condition(
                    f"{silence}; it is being started"
                )
            except StorageError as error:
                told = Condition("journal", ConditionState.PENDING, "a file on the disk", str(error))
        unanswered = Condition(
            "server", ConditionState.PENDING, "an answer", silence, get_connection_advice(silence)
        )
        return Readiness.from_conditions(told or unanswered)


def build_restart_condition(seen: str) -> Condition:
    """The condition while the server comes up again."""
    return Condition(
        server_config.CONDITION_NAME, ConditionState.PENDING, "the server to run with its option file", seen
    )
