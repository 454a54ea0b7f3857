"""The loop: observe, plan, apply, verify. The only place where the parts meet; it signals nobody and prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from guestagent.agent import configuration
from guestagent.agent.accounts import retaining, settled
from guestagent.agent.acknowledgement import AcknowledgementWait
from guestagent.agent.channel import wanted_tls
from guestagent.agent.configuration import Look
from guestagent.agent.configuring import Configuring, restarting
from guestagent.agent.edges import Edges, Progress, Report, Verdict
from guestagent.agent.log_progress import LogProgress
from guestagent.agent.looking import configured, look, try_logins
from guestagent.agent.model import Agreement, Condition, Desired, Observed, Readiness
from guestagent.agent.parting import Anchor, Sighting, find_anchor, find_sighting
from guestagent.agent.pausing import withholding
from guestagent.agent.plan import holds_data, plan, refusal
from guestagent.agent.readiness import judge_refusal, readiness
from guestagent.agent.source_history import identify_source, recall_parting, remember_parting
from guestagent.agent.unrecorded import plan_record
from guestagent.database.edge import Database, Dialect
from guestagent.database.gtid import History
from guestagent.database.state import Account, ServerError, ServerState, SourceState, TlsOptions
from guestagent.database.steps import StartChannel, Step
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported, StorageError
from guestagent.metadata.document import Document, Role, Unresolved
from guestagent.retry import Backoff

PAUSE = Backoff(first=0.01, most=2.0, jitter=0.2)
NOTE_EVERY = 1.0
PROOF_PAUSES = (0.1, 0.4)  # seconds between looks at a source that lacks something
CATCH_UP = 0.2  # seconds: a channel with little to fetch is seen complete at the first look


class Cut(Exception):
    """The pass ends between two steps; the next one starts from what it sees."""


class Reconciler:
    """Works on one document. Every pass starts from what is seen; this object remembers nothing that counts."""

    def __init__(self, document: Document, task: str, home: str, edges: Edges) -> None:
        """`task` names the generation for the journal, `home` is a host towards which our own address counts."""
        self._document, self._task, self._home, self.edges = document, task, home, edges
        self._configuring = Configuring(document.section, edges, self._unless_cut)
        self._target: History | None = None
        self._marks: dict[str, float] = {}
        self._server: ServerState | None = None
        self._logins: dict[Account, ServerError | None] = {}
        self._acknowledgement = AcknowledgementWait()
        self._started: frozenset[int] = frozenset()
        self._sighting: Sighting | None = None
        self._anchor: Anchor | None = None
        self._log_progress = LogProgress(edges.compare_logs, edges.journal)

    def converge(self, deadline: float) -> Report:
        """Passes until every condition holds, one can no longer, the deadline is over, or the work is cut.

        `deadline`: seconds since the journalled first pass of this task.
        """
        edges, noted, self._configuring.until = self.edges, 0.0, deadline
        try:
            for wait in PAUSE.waits():
                state = self.once(logins=True)
                spent = edges.journal.elapsed
                if state.ready or state.final or spent >= deadline:
                    self._sight()
                if state.ready:
                    if self._anchor is not None and not self._log_progress.unread:
                        edges.journal.set_anchor(self._anchor)
                    return self._report(Verdict.READY, state)
                if state.final or spent >= deadline:
                    return self._report(Verdict.FAILED, state, late=not state.final)
                edges.tell(Progress(state, str(state.worst), spent))
                if spent - noted >= NOTE_EVERY:
                    self._note()
                    noted = spent
                edges.clock.sleep(min(wait, max(0.0, deadline - spent)))
                self._unless_cut()
        except Cut:
            return self._report(Verdict.CUT, Readiness.of(_cut()))
        raise AssertionError("waits never end")

    def once(self, logins: bool = False) -> Readiness:
        """One pass: observe, plan, apply what is planned, look again. Raises Cut between two steps.

        `logins`: also prove every managed account by a login over TCP.
        """
        self._log_progress.begin_pass()
        try:
            self.edges.journal.begin(self._task)
            with closing(self.edges.open()) as database, self.edges.view.keeping():
                return self._pass(database, logins)
        except DatabaseUnreachable as error:
            return self._configuring.silent(str(error))
        except DatabaseUnsupported as error:
            return Readiness.of(Condition("server", Agreement.FINAL, "one that is supported", str(error)))
        except DatabaseRefused as error:
            return Readiness.of(judge_refusal(error))
        except StorageError as error:
            return Readiness.of(Condition("journal", Agreement.PENDING, "a journal on the disk", str(error)))

    def _pass(self, database: Database, logins: bool) -> Readiness:
        edges, dialect = self.edges, database.dialect
        desired = Desired.of(self._document, dialect, self._address())
        if isinstance(desired.server_id, Unresolved):
            return Readiness.of(_nowhere(self._towards))
        observed = self._without_loss(self._look(desired, database))
        self._mark("server")
        if edges.configuration is not None and edges.paused() is None and not observed.lost_journal:
            edges.configuration.answered(database)
        settings = self._configured(desired, observed, database)
        changes = () if settings is None else configuration.steps(settings)
        if changes and settings is not None and edges.paused() is None:
            if restart := self._configuring.do(changes, settings, database):
                return Readiness.of(restarting(restart))
            observed = self._look(desired, database)
            settings = self._configured(desired, observed, database)
        observed = replace(observed, logins=self._logins)
        self._remember(desired, observed, dialect)
        steps = plan(desired, observed, edges.journal.memory, dialect)
        if steps and edges.paused() is None:
            self._do(steps, database)
            channel = None if observed.server is None else observed.server.channel
            if channel is not None and StartChannel() in steps:
                self._started |= channel.errors
            self._target = None
            observed = self._look(desired, database, started=StartChannel() in steps)
            self._note_passwords(desired, observed, dialect)
            self._marks.pop("apply", None)
        self._mark("apply")
        self._purge(desired, observed)
        if logins and observed.server is not None:
            self._logins = self._try_logins(desired, observed.server)
            observed = replace(observed, logins=self._logins)
        found = self._configuring.judged(
            readiness(desired, observed, edges.journal.memory, dialect), settings
        )
        mark = edges.paused()
        if mark is None:
            return found
        return withholding(found, mark, (*changes, *plan(desired, observed, edges.journal.memory, dialect)))

    def _configured(self, desired: Desired, observed: Observed, database: Database) -> Look | None:
        return configured(self._document, desired, observed, database, self.edges)

    def _remember(self, desired: Desired, observed: Observed, dialect: Dialect) -> None:
        """What must be on the disk before any step: what is known of passwords, and the files of the channel."""
        server = observed.server
        if server is None or refusal(desired, observed) is not None:
            return
        self._note_passwords(desired, observed, dialect)
        if desired.role is Role.REPLICA and desired.tls is not None and self.edges.paused() is None:
            self.edges.files.keep(desired.tls, server.folder)

    def _note_passwords(self, desired: Desired, observed: Observed, dialect: Dialect) -> None:
        """Before any step for the next pass, and after the last one: what somebody does to them later is told by it."""
        server, journal = observed.server, self.edges.journal
        if server is not None and refusal(desired, observed) is None:
            known = journal.memory
            journal.looked(retaining(desired, server, known), settled(desired, server, known, dialect))

    def _purge(self, desired: Desired, observed: Observed) -> None:
        """Superseded files go once the channel has left them; while it has not, nothing does."""
        server = observed.server
        if server is None or not server.folder or self.edges.paused() is not None:
            return
        if refusal(desired, observed) is not None:
            return
        used = TlsOptions() if server.channel is None else server.channel.tls
        wanted = wanted_tls(desired, observed, server) if desired.role is Role.REPLICA else TlsOptions()
        if server.channel is None or used == wanted:
            self.edges.files.purge(server.folder, wanted)

    def _do(self, steps: Iterable[Step], database: Database) -> None:
        edges = self.edges
        for step in steps:
            self._unless_cut()
            if edges.paused() is not None:
                return
            edges.tell(Progress(None, str(step), edges.journal.elapsed))
            before = edges.journal.memory
            edges.journal.intend(step)
            try:
                database.apply(step)
            except DatabaseRefused as error:
                edges.journal.retract(step, before, error.number)
                raise
            edges.journal.done(step)

    def _look(self, desired: Desired, database: Database, started: bool = False) -> Observed:
        """The source first: what it had then must be found here. What is here and not there is looked for once more.

        `started`: the channel was started just now, and gets a moment. A parting that this look proves is in the
        journal when this returns, so before any step.
        """
        source = self._see(desired)
        if started and source is not None and source.history is not None:
            database.catch_up(source.history, CATCH_UP)
        self._server = server = database.observe()
        if source is not None and source.history is not None:
            self._target = self._target or source.history
            same_family = server.history.family == source.history.family
            if same_family and server.history.beyond(source.history):
                source = self._look_again(desired, server)
        if source is not None:
            source = self._acknowledgement.limit(server, source, self.edges.clock.now())
        loss = self.edges.journal.loss
        self._log_progress.begin_look()
        compare = partial(self._compare_logs, desired, source)
        parting = remember_parting(self.edges.journal, desired.source, server, source, database.dialect, compare)
        self._sighting = self._anchor = None
        if desired.source is not None and source is not None and parting is None and not loss:
            identity = identify_source(desired.source, source)
            self._sighting = find_sighting(identity, server, source)
            self._anchor = find_anchor(identity, server, source, self.edges.journal.memory.anchor)
        return Observed(
            server,
            source=source,
            target=self._target,
            started=self._started,
            lost_journal=loss,
            parting=parting,
            uncompared=self._log_progress.unread,
            incomparable=self._log_progress.impossible,
        )

    def _without_loss(self, observed: Observed) -> Observed:
        """On a server that holds nothing a lost journal does no harm: say so once and for all, before it holds some."""
        if not observed.lost_journal or observed.server is None or holds_data(observed.server):
            return observed
        self.edges.journal.accept_loss()
        return replace(observed, lost_journal="")

    def _compare_logs(self, desired: Desired, seen: SourceState | None, since: History, until: History) -> str:
        """Go on with the comparison of the logs. `until`: this server's history.

        A stopped applier that waits for a repair does not catch up before: its repair waits for the comparison.
        """
        if desired.source is None or seen is None or seen.history is None:
            return ""
        target = self._target or seen.history
        caught_up = target.family != until.family or until.contains(target) or not seen.history.beyond(until)
        if self._server is not None and plan_record(self._server, seen.history) is not None:
            caught_up = True
        identity = identify_source(desired.source, seen)
        return self._log_progress.compare(
            desired.source, desired.tls, identity, seen, caught_up=caught_up, since=since, until=until
        )

    def _look_again(self, desired: Desired, server: ServerState) -> SourceState | None:
        """Look at the source until it shows all that the server has, a few times.

        A MySQL sends a transaction a moment before it shows it.
        """
        source = self._see(desired)
        for pause in PROOF_PAUSES:
            history = None if source is None else source.history
            if source is None or source.uuid is None or history is None or not server.history.beyond(history):
                break
            if recall_parting(self.edges.journal.memory, desired.source, source) is not None:
                break
            self.edges.clock.sleep(pause)
            source = self._see(desired)
        return source

    def _try_logins(self, desired: Desired, server: ServerState) -> dict[Account, ServerError | None]:
        edges, network = self.edges, self._document.section.network
        life, now = edges.server_life(), edges.clock.now()
        return dict(
            try_logins(edges.view, desired, server, self._address(), network, edges.logins, life, now)
        )

    def _see(self, desired: Desired) -> SourceState | None:
        return None if desired.source is None else look(self.edges.view, desired.source, desired.tls)

    @property
    def _towards(self) -> str:
        source = self._document.source
        return self._home if source is None else str(source.address)

    def _address(self) -> str | None:
        return self.edges.address_towards(self._towards)

    def _unless_cut(self) -> None:
        if self.edges.interrupted():
            raise Cut

    def _mark(self, phase: str) -> None:
        self._marks.setdefault(phase, self.edges.journal.elapsed)

    def _note(self) -> None:
        with _full_disk_tolerated():
            self.edges.journal.tick()
        self._sight()

    def _sight(self) -> None:
        """Remember what the source has shown beyond this server's history; nothing if that is nothing."""
        if self._sighting is not None:
            self.edges.journal.sight(self._sighting)

    def _report(self, verdict: Verdict, state: Readiness, late: bool = False) -> Report:
        spent = self.edges.journal.elapsed
        server, applied = self._marks.get("server", spent), self._marks.get("apply", spent)
        seconds = {"server": server, "apply": applied - server, "verify": spent - applied}
        rounded = {phase: round(max(0.0, length), 3) for phase, length in seconds.items()}
        return Report(verdict, state, spent, late, self._server, rounded)


@contextmanager
def _full_disk_tolerated() -> Iterator[None]:
    """Time that could not be noted is only lost where the machine reboots before it can be."""
    try:
        yield
    except StorageError:
        return


def _nowhere(towards: str) -> Condition:
    wanted, seen = "one derived from this node's address", f"no way towards {towards}, so no address"
    do = "are network and DNS up? or give the node its own GuestAgent.ServerId"
    return Condition("server id", Agreement.PENDING, wanted, seen, do)


def _cut() -> Condition:
    return Condition("work", Agreement.PENDING, "to go on", "it was cut: a newer document, or the agent ends")
