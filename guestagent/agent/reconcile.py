"""The loop: observe, plan, apply, verify. The only place where the parts meet; it signals nobody and prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from guestagent.agent import server_config
from guestagent.agent.account_steps import find_confirmed_accounts, find_retaining_accounts
from guestagent.agent.acknowledgement import AcknowledgementWait
from guestagent.agent.binlog_progress import BinlogProgress
from guestagent.agent.conditions import judge_readiness, judge_refusal
from guestagent.agent.dependencies import PassDependencies, Progress, Report, Verdict
from guestagent.agent.divergence import Anchor, Sighting, find_anchor, find_sighting
from guestagent.agent.divergence_journal import find_known_divergence, identify_source, record_divergence
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState, Readiness
from guestagent.agent.observe import observe_configuration, observe_source, try_logins
from guestagent.agent.pause import add_pause_condition
from guestagent.agent.plan import find_refusal, has_data, plan_steps
from guestagent.agent.position_repair import plan_position_repair
from guestagent.agent.replication_target import choose_channel_tls
from guestagent.agent.server_config import ConfigurationSnapshot
from guestagent.agent.server_config.change_cycle import ChangeCycle, build_restart_condition
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import Database, SqlDialect
from guestagent.database.state import Account, ServerError, ServerState, SourceState, TlsOptions
from guestagent.database.steps import StartChannel, Step
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported, StorageError
from guestagent.metadata.document import Document, Role, UnresolvedFunction
from guestagent.retry import Backoff

PASS_RETRY = Backoff(initial_s=0.01, max_s=2.0, jitter=0.2)
JOURNAL_INTERVAL_S = 1.0
SOURCE_RETRY_DELAYS_S = (0.1, 0.4)  # seconds between looks at a source that lacks something
CATCH_UP_TIMEOUT_S = 0.2  # seconds: a channel with little to fetch is seen complete at the first look


class PassInterrupted(Exception):
    """The pass ends between two steps; the next one starts from what it sees."""


class Reconciler:
    """Works on one document. Every pass starts from what is seen; this object remembers nothing that counts."""

    def __init__(self, document: Document, task: str, home: str, edges: PassDependencies) -> None:
        """`task` names the generation for the journal, `home` is a host towards which our own address counts."""
        self._document, self._task, self._home, self.dependencies = document, task, home, edges
        self._configuring = ChangeCycle(document.section, edges, self._unless_cut)
        self._target: GtidHistory | None = None
        self._marks: dict[str, float] = {}
        self._server: ServerState | None = None
        self._logins: dict[Account, ServerError | None] = {}
        self._acknowledgement = AcknowledgementWait()
        self._started: frozenset[int] = frozenset()
        self._sighting: Sighting | None = None
        self._anchor: Anchor | None = None
        self._log_progress = BinlogProgress(edges.compare_logs, edges.journal)

    def converge(self, deadline: float) -> Report:
        """Passes until every condition holds, one can no longer, the deadline is over, or the work is cut.

        `deadline`: seconds since the journalled first pass of this task.
        """
        edges, noted, self._configuring.deadline_s = self.dependencies, 0.0, deadline
        try:
            for wait in PASS_RETRY.iterate_waits():
                state = self.run_pass(logins=True)
                spent = edges.journal.elapsed_s
                if state.is_ready or state.is_final or spent >= deadline:
                    self._sight()
                if state.is_ready:
                    if self._anchor is not None and not self._log_progress.pending_reason:
                        edges.journal.set_anchor(self._anchor)
                    return self._report(Verdict.READY, state)
                if state.is_final or spent >= deadline:
                    return self._report(Verdict.FAILED, state, late=not state.is_final)
                edges.report_progress(Progress(state, str(state.worst_condition), spent))
                if spent - noted >= JOURNAL_INTERVAL_S:
                    self._note()
                    noted = spent
                edges.clock.sleep(min(wait, max(0.0, deadline - spent)))
                self._unless_cut()
        except PassInterrupted:
            return self._report(Verdict.INTERRUPTED, Readiness.from_conditions(_cut()))
        raise AssertionError("waits never end")

    def run_pass(self, logins: bool = False) -> Readiness:
        """One pass: observe, plan, apply what is planned, look again. Raises Cut between two steps.

        `logins`: also prove every managed account by a login over TCP.
        """
        self._log_progress.begin_pass()
        try:
            self.dependencies.journal.begin_task(self._task)
            with (
                closing(self.dependencies.open_database()) as database,
                self.dependencies.source_view.reuse_session(),
            ):
                return self._pass(database, logins)
        except DatabaseUnreachable as error:
            return self._configuring.handle_silence(str(error))
        except DatabaseUnsupported as error:
            return Readiness.from_conditions(
                Condition("server", ConditionState.FINAL, "one that is supported", str(error))
            )
        except DatabaseRefused as error:
            return Readiness.from_conditions(judge_refusal(error))
        except StorageError as error:
            return Readiness.from_conditions(
                Condition("journal", ConditionState.PENDING, "a journal on the disk", str(error))
            )

    def _pass(self, database: Database, logins: bool) -> Readiness:
        edges, dialect = self.dependencies, database.dialect
        desired = DesiredState.from_document(self._document, dialect, self._address())
        if isinstance(desired.server_id, UnresolvedFunction):
            return Readiness.from_conditions(_nowhere(self._towards))
        observed = self._without_loss(self._look(desired, database))
        self._mark("server")
        if edges.configuration is not None and edges.read_pause() is None and not observed.lost_journal:
            edges.configuration.record_answer(database)
        settings = self._configured(desired, observed, database)
        changes = () if settings is None else server_config.plan_steps(settings)
        if changes and settings is not None and edges.read_pause() is None:
            if restart := self._configuring.apply_steps(changes, settings, database):
                return Readiness.from_conditions(build_restart_condition(restart))
            observed = self._look(desired, database)
            settings = self._configured(desired, observed, database)
        observed = replace(observed, login_errors=self._logins)
        self._remember(desired, observed, dialect)
        steps = plan_steps(desired, observed, edges.journal.state, dialect)
        if steps and edges.read_pause() is None:
            self._do(steps, database)
            channel = None if observed.server is None else observed.server.channel
            if channel is not None and StartChannel() in steps:
                self._started |= channel.error_numbers
            self._target = None
            observed = self._look(desired, database, started=StartChannel() in steps)
            self._note_passwords(desired, observed, dialect)
            self._marks.pop("apply", None)
        self._mark("apply")
        self._purge(desired, observed)
        if logins and observed.server is not None:
            self._logins = self._try_logins(desired, observed.server)
            observed = replace(observed, login_errors=self._logins)
        found = self._configuring.add_condition(
            judge_readiness(desired, observed, edges.journal.state, dialect), settings
        )
        mark = edges.read_pause()
        if mark is None:
            return found
        return add_pause_condition(
            found, mark, (*changes, *plan_steps(desired, observed, edges.journal.state, dialect))
        )

    def _configured(
        self, desired: DesiredState, observed: ObservedState, database: Database
    ) -> ConfigurationSnapshot | None:
        return observe_configuration(self._document, desired, observed, database, self.dependencies)

    def _remember(self, desired: DesiredState, observed: ObservedState, dialect: SqlDialect) -> None:
        """What must be on the disk before any step: what is known of passwords, and the files of the channel."""
        server = observed.server
        if server is None or find_refusal(desired, observed) is not None:
            return
        self._note_passwords(desired, observed, dialect)
        if (
            desired.role is Role.REPLICA
            and desired.tls is not None
            and self.dependencies.read_pause() is None
        ):
            self.dependencies.channel_files.write_files(desired.tls, server.data_directory)

    def _note_passwords(self, desired: DesiredState, observed: ObservedState, dialect: SqlDialect) -> None:
        """Before any step for the next pass, and after the last one: what somebody does to them later is told by it."""
        server, journal = observed.server, self.dependencies.journal
        if server is not None and find_refusal(desired, observed) is None:
            known = journal.state
            journal.record_passwords(
                find_retaining_accounts(desired, server, known),
                find_confirmed_accounts(desired, server, known, dialect),
            )

    def _purge(self, desired: DesiredState, observed: ObservedState) -> None:
        """Superseded files go once the channel has left them; while it has not, nothing does."""
        server = observed.server
        if server is None or not server.data_directory or self.dependencies.read_pause() is not None:
            return
        if find_refusal(desired, observed) is not None:
            return
        used = TlsOptions() if server.channel is None else server.channel.tls
        wanted = (
            choose_channel_tls(desired, observed, server) if desired.role is Role.REPLICA else TlsOptions()
        )
        if server.channel is None or used == wanted:
            self.dependencies.channel_files.remove_unused_files(server.data_directory, wanted)

    def _do(self, steps: Iterable[Step], database: Database) -> None:
        edges = self.dependencies
        for step in steps:
            self._unless_cut()
            if edges.read_pause() is not None:
                return
            edges.report_progress(Progress(None, str(step), edges.journal.elapsed_s))
            before = edges.journal.state
            edges.journal.record_intent(step)
            try:
                database.apply(step)
            except DatabaseRefused as error:
                edges.journal.record_rejection(step, before, error.number)
                raise
            edges.journal.record_completion(step)

    def _look(self, desired: DesiredState, database: Database, started: bool = False) -> ObservedState:
        """The source first: what it had then must be found here. What is here and not there is looked for once more.

        `started`: the channel was started just now, and gets a moment. A parting that this look proves is in the
        journal when this returns, so before any step.
        """
        source = self._see(desired)
        if started and source is not None and source.history is not None:
            database.wait_for_history(source.history, CATCH_UP_TIMEOUT_S)
        self._server = server = database.observe()
        if source is not None and source.history is not None:
            self._target = self._target or source.history
            same_family = server.history.family == source.history.family
            if same_family and server.history.format_difference(source.history):
                source = self._look_again(desired, server)
        if source is not None:
            source = self._acknowledgement.limit(server, source, self.dependencies.clock.now())
        loss = self.dependencies.journal.loss
        self._log_progress.reset_reasons()
        compare = partial(self._compare_logs, desired, source)
        parting = record_divergence(
            self.dependencies.journal, desired.source, server, source, database.dialect, compare
        )
        self._sighting = self._anchor = None
        if desired.source is not None and source is not None and parting is None and not loss:
            identity = identify_source(desired.source, source)
            self._sighting = find_sighting(identity, server, source)
            self._anchor = find_anchor(identity, server, source, self.dependencies.journal.state.anchor)
        return ObservedState(
            server,
            source=source,
            target_history=self._target,
            retried_errors=self._started,
            lost_journal=loss,
            divergence=parting,
            comparison_pending_reason=self._log_progress.pending_reason,
            comparison_impossible_reason=self._log_progress.impossible_reason,
        )

    def _without_loss(self, observed: ObservedState) -> ObservedState:
        """On a server that holds nothing a lost journal does no harm: say so once and for all, before it holds some."""
        if not observed.lost_journal or observed.server is None or has_data(observed.server):
            return observed
        self.dependencies.journal.accept_loss()
        return replace(observed, lost_journal="")

    def _compare_logs(
        self, desired: DesiredState, seen: SourceState | None, since: GtidHistory, until: GtidHistory
    ) -> str:
        """Go on with the comparison of the logs. `until`: this server's history.

        A stopped applier that waits for a repair does not catch up before: its repair waits for the comparison.
        """
        if desired.source is None or seen is None or seen.history is None:
            return ""
        target = self._target or seen.history
        caught_up = (
            target.family != until.family
            or until.contains(target)
            or not seen.history.format_difference(until)
        )
        if self._server is not None and plan_position_repair(self._server, seen.history) is not None:
            caught_up = True
        identity = identify_source(desired.source, seen)
        return self._log_progress.compare_logs(
            desired.source, desired.tls, identity, seen, caught_up=caught_up, since=since, until=until
        )

    def _look_again(self, desired: DesiredState, server: ServerState) -> SourceState | None:
        """Look at the source until it shows all that the server has, a few times.

        A MySQL sends a transaction a moment before it shows it.
        """
        source = self._see(desired)
        for pause in SOURCE_RETRY_DELAYS_S:
            history = None if source is None else source.history
            if (
                source is None
                or source.uuid is None
                or history is None
                or not server.history.format_difference(history)
            ):
                break
            if find_known_divergence(self.dependencies.journal.state, desired.source, source) is not None:
                break
            self.dependencies.clock.sleep(pause)
            source = self._see(desired)
        return source

    def _try_logins(self, desired: DesiredState, server: ServerState) -> dict[Account, ServerError | None]:
        edges, network = self.dependencies, self._document.section.network
        life, now = edges.identify_server_instance(), edges.clock.now()
        return dict(
            try_logins(
                edges.source_view, desired, server, self._address(), network, edges.login_proofs, life, now
            )
        )

    def _see(self, desired: DesiredState) -> SourceState | None:
        return (
            None
            if desired.source is None
            else observe_source(self.dependencies.source_view, desired.source, desired.tls)
        )

    @property
    def _towards(self) -> str:
        source = self._document.source
        return self._home if source is None else str(source.address)

    def _address(self) -> str | None:
        return self.dependencies.find_own_address(self._towards)

    def _unless_cut(self) -> None:
        if self.dependencies.is_interrupted():
            raise PassInterrupted

    def _mark(self, phase: str) -> None:
        self._marks.setdefault(phase, self.dependencies.journal.elapsed_s)

    def _note(self) -> None:
        with _full_disk_tolerated():
            self.dependencies.journal.record_elapsed()
        self._sight()

    def _sight(self) -> None:
        """Remember what the source has shown beyond this server's history; nothing if that is nothing."""
        if self._sighting is not None:
            self.dependencies.journal.set_sighting(self._sighting)

    def _report(self, verdict: Verdict, state: Readiness, late: bool = False) -> Report:
        spent = self.dependencies.journal.elapsed_s
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
    return Condition("server id", ConditionState.PENDING, wanted, seen, do)


def _cut() -> Condition:
    return Condition(
        "work", ConditionState.PENDING, "to go on", "it was cut: a newer document, or the agent ends"
    )
