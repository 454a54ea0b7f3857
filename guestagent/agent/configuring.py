"""The part of a pass that brings the server's configuration about, through restarts and silences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

from guestagent.agent import configuration
from guestagent.agent.configuration import Look, RestartServer, unmanaged
from guestagent.agent.edges import Edges, Progress
from guestagent.agent.model import Agreement, Condition, Readiness
from guestagent.database.edge import Database
from guestagent.database.silence_advice import advise_on_silence
from guestagent.errors import StorageError
from guestagent.metadata.document import Section


class _Late(Exception):
    """The deadline came while the database server was being started."""


class Configuring:
    """`unless_cut` ends the pass where it is no longer wanted. `until`: the deadline, in seconds of the journal."""

    def __init__(self, section: Section, edges: Edges, unless_cut: Callable[[], None]) -> None:
        self._section, self._edges, self._unless_cut = section, edges, unless_cut
        self.until = math.inf

    def do(self, steps: Iterable[configuration.Step], look: Look, database: Database) -> str:
        """Do them. "", or what became of a restart of the server, after which it must be opened again."""
        edges = self._edges
        assert edges.configuration is not None
        for step in steps:
            self._unless_cut()
            if edges.paused() is not None:
                return ""
            edges.tell(Progress(None, str(step), edges.journal.elapsed))
            try:
                edges.configuration.do(step, look, database, partial(self._meanwhile, str(step)))
            except _Late:
                return "it is being restarted; the command had not ended at the deadline"
            if isinstance(step, RestartServer):
                return "it was restarted"
        return ""

    def judged(self, found: Readiness, settings: Look | None) -> Readiness:
        """With the condition of the configuration; what a ready node was ready with is kept."""
        ours = self._edges.configuration
        judged = unmanaged(self._section) if settings is None else configuration.condition(settings)
        if judged is not None:
            found = Readiness.of(*found.conditions, judged)
        if found.ready and settings is not None and ours is not None:
            ours.ready(settings)
        return found

    def _meanwhile(self, doing: str) -> None:
        """While a service command is at work: the progress, the deadline, and whether to go on at all."""
        self._unless_cut()
        spent = self._edges.journal.elapsed
        self._edges.tell(Progress(None, doing, spent))
        if spent >= self.until:
            raise _Late

    def silent(self, silence: str) -> Readiness:
        """Nobody answers: after a restart of ours the file before may have to be put back."""
        ours, told = self._edges.configuration, None
        if ours is not None and self._edges.paused() is None:
            patience = float(self._section.deadline)
            try:
                told = ours.unanswered(silence, patience, partial(self._meanwhile, "wait for the server"))
            except _Late:
                told = ours.describe_rollback(silence) or restarting(f"{silence}; it is being started")
            except StorageError as error:
                told = Condition("journal", Agreement.PENDING, "a file on the disk", str(error))
        unanswered = Condition("server", Agreement.PENDING, "an answer", silence, advise_on_silence(silence))
        return Readiness.of(told or unanswered)


def restarting(seen: str) -> Condition:
    """The condition while the server comes up again."""
    return Condition(configuration.NAME, Agreement.PENDING, "the server to run with its option file", seen)
