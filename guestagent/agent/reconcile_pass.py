"""One reconcile pass: observe, configure, plan, apply, observe again, judge. It sends no signal and prints nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

from guestagent.agent import server_config
from guestagent.agent.account_steps import find_confirmed_accounts, find_retaining_accounts
from guestagent.agent.conditions import (
    judge_missing_address,
    judge_pending_statement,
    judge_readiness,
    judge_rejected_statement,
)
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.donor_coordinator import DonorCoordinator
from guestagent.agent.instance_condition import add_copy_condition
from guestagent.agent.metadata_updates import judge_metadata_updates
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState, Readiness
from guestagent.agent.observe import find_node_refusal, observe_configuration, try_logins
from guestagent.agent.pause import Pause, add_pause_condition
from guestagent.agent.plan import plan_steps
from guestagent.agent.preconditions import has_data
from guestagent.agent.progress_report import ProgressReporter
from guestagent.agent.refusal import Refusal
from guestagent.agent.replication_observer import ReplicationObserver
from guestagent.agent.replication_target import choose_channel_tls
from guestagent.agent.seed_coordinator import SeedCoordinator
from guestagent.agent.server_config import ConfigurationSnapshot
from guestagent.agent.server_config.change_cycle import ChangeCycle, build_restart_condition
from guestagent.agent.volume_condition import VolumeObservation, add_volume_condition, judge_volume
from guestagent.database.protocols import Database, SqlDialect
from guestagent.database.state import Account, ServerError, TlsOptions
from guestagent.database.steps import StartChannel, Step
from guestagent.errors import DatabaseRefused, DatabaseUnreachable, DatabaseUnsupported, StorageError
from guestagent.metadata.document import Document, Role, UnresolvedFunction


class PassInterrupted(Exception):
    """The pass ends between two steps. The next one starts from what it observes."""


class _UnansweredStep(Exception):
    """The server did not answer a statement of a step in time. It may still execute it."""

    def __init__(self, cause: DatabaseUnreachable) -> None:
        super().__init__(str(cause))
        self.cause = cause


class ReconcilePass:
    """A pass over one document, which may be repeated, and killed at any point.

    The fields only spare the next pass some work. What must not be forgotten is in the journal.
    """

    def __init__(
        self, document: Document, task: str, handle_host: str, dependencies: PassDependencies
    ) -> None:
        self._document, self._task, self._dependencies = document, task, dependencies
        self._peer = handle_host if document.source is None else str(document.source.address)
        self._login_errors: dict[Account, ServerError | None] = {}
        self.change_cycle = ChangeCycle(document.section, dependencies, self.check_interruption)
        self.observer = ReplicationObserver(document.source, document.section.tls, dependencies)
        self.reporter = ProgressReporter(dependencies)
        self.volume: VolumeObservation | None = None
        self.seed = SeedCoordinator(document, task, dependencies.seed_access, dependencies.journal)
        self._donor = DonorCoordinator(document, dependencies.donor_access, dependencies.journal)

    def run(self, *, test_logins: bool) -> Readiness:
        """Run one pass. An error of the server or of the disk becomes a condition; raises PassInterrupted.

        `test_logins`: also prove every managed account by a login over TCP.
        """
        self.observer.begin_pass()
        try:
            self._donor.begin_pass()
            self._dependencies.journal.begin_task(self._task)
            # Before the server: without its volume it must not be started, and another volume is not its data.
            volume = self._judge_volume()
            if volume is not None and volume.state is ConditionState.FINAL:
                return Readiness.from_conditions(volume)
            seed = self.seed.follow(self._dependencies.read_pause())
            if seed is not None:  # while it is going on, it stops and starts the server
                return add_volume_condition(seed, volume)
            try:
                with (
                    closing(self._dependencies.open_database()) as database,
                    self._dependencies.source_view.reuse_session(),
                ):
                    return add_volume_condition(self._reconcile(database, test_logins=test_logins), volume)
            except _UnansweredStep as error:
                return self._judge_unanswered_step(error.cause)
        except DatabaseUnreachable as error:
            return self.change_cycle.handle_silence(str(error))
        except DatabaseUnsupported as error:
            return _build_readiness("server", ConditionState.FINAL, "a supported version", str(error))
        except DatabaseRefused as error:
            return Readiness.from_conditions(judge_rejected_statement(error))
        except StorageError as error:
            return _build_readiness("journal", ConditionState.PENDING, "a journal on the disk", str(error))

    def _reconcile(self, database: Database, *, test_logins: bool) -> Readiness:
        """The whole pass, from top to bottom."""
        dependencies, dialect, journal = self._dependencies, database.dialect, self._dependencies.journal
        pause = dependencies.read_pause()
        address = dependencies.find_own_address(self._peer)
        desired = DesiredState.from_document(self._document, dialect, address)
        if isinstance(desired.server_id, UnresolvedFunction):
            return Readiness.from_conditions(judge_missing_address(self._peer))

        # Observe.
        observed, refusal = self._observe(desired, database)
        self.reporter.note_server_answer()

        # Configure. A change may set variables that the plan depends on, so it is followed by another observation.
        configuration = self._observe_configuration(desired, observed, refusal, pause, database)
        changes = _plan_changes(configuration)
        is_busy = observed.server.pending_statement is not None
        if configuration is not None and changes and pause is None and not is_busy:
            restart = self.change_cycle.apply_steps(changes, configuration, database)
            if restart:
                return Readiness.from_conditions(build_restart_condition(restart))
            pause = dependencies.read_pause()
            observed, refusal = self._observe(desired, database)
            configuration = observe_configuration(
                self._document, desired, observed.server, refusal, database, dependencies
            )

        # Seed. Below, a replica has its data, or gets them over its channel.
        if pause is None and not is_busy:
            seed = self.seed.begin(desired, observed, refusal)
            if seed is not None:
                return Readiness.from_conditions(seed)

        # Plan.
        desired = self._donor.follow(desired, observed, can_change=refusal is None and pause is None)
        if refusal is None:
            self._record_passwords(desired, observed, dialect)
            if pause is None:
                self._write_channel_files(desired, observed)
        steps = plan_steps(desired, observed, refusal, journal.state, dialect)

        # Apply, then observe again: the judgement follows from what is there, not from what was done.
        # A statement that waits behind another one outlasts its session: such sessions would accumulate.
        pending_statement = observed.server.pending_statement
        has_applied = bool(steps) and pause is None and pending_statement is None
        if has_applied:
            pause = self._apply_steps(steps, database)
            if observed.server.channel is not None and StartChannel() in steps:
                self.observer.note_channel_start(observed.server.channel)
            self.observer.reset_target()
            observed, refusal = self._observe(desired, database, is_channel_new=StartChannel() in steps)
            if refusal is None:
                self._record_passwords(desired, observed, dialect)
        self.reporter.note_last_step(has_applied=has_applied)
        if refusal is None and pause is None:
            self._remove_unused_channel_files(desired, observed)
        if test_logins:
            observed = self._test_logins(desired, observed, address)

        # Judge.
        readiness = judge_readiness(desired, observed, refusal, journal.state, dialect)
        if pending_statement is not None and (changes or steps):
            pending_condition = judge_pending_statement(pending_statement)
            readiness = Readiness.from_conditions(pending_condition, *readiness.conditions)
        readiness = self.change_cycle.add_condition(readiness, configuration)
        readiness = self._add_update_condition(readiness)
        if pause is not None:
            steps = plan_steps(desired, observed, refusal, journal.state, dialect)
            readiness = add_pause_condition(readiness, pause, (*_plan_changes(configuration), *steps))
        return add_copy_condition(readiness, dependencies.instance)

    def _judge_volume(self) -> Condition | None:
        """Judge the data volume, and request its growth if its device has grown."""
        self.volume = self._dependencies.observe_volume()
        if self.volume.is_growing:
            self._dependencies.request_volume_growth()
        return judge_volume(self._document.section, self.volume)

    def _judge_unanswered_step(self, error: DatabaseUnreachable) -> Readiness:
        """Distinguish a statement that still waits in a healthy server from a server that does not answer."""
        with closing(self._dependencies.open_database()) as database:
            statement = database.observe().pending_statement
        if statement is None:
            raise error
        return Readiness.from_conditions(judge_pending_statement(statement))

    def check_interruption(self) -> None:
        """Raise PassInterrupted if a newer document has come or the agent is stopping."""
        if self._dependencies.is_interrupted():
            raise PassInterrupted

    def _observe(
        self, desired: DesiredState, database: Database, *, is_channel_new: bool = False
    ) -> tuple[ObservedState, Refusal | None]:
        observed = self.observer.observe(database, is_channel_new=is_channel_new)
        if observed.lost_journal and not has_data(observed.server):
            # The lost journal was about nothing that this server holds. Forget it before the server holds something.
            self._dependencies.journal.accept_loss()
            observed = replace(observed, lost_journal="")
        observed = replace(observed, login_errors=self._login_errors)
        return observed, find_node_refusal(desired, observed, self._dependencies)

    def _observe_configuration(
        self,
        desired: DesiredState,
        observed: ObservedState,
        refusal: Refusal | None,
        pause: Pause | None,
        database: Database,
    ) -> ConfigurationSnapshot | None:
        """Observe the configuration, after recording that the server has answered with it."""
        configuration = self._dependencies.configuration
        if configuration is not None and pause is None and not observed.lost_journal:
            configuration.record_answer(database)
        return observe_configuration(
            self._document, desired, observed.server, refusal, database, self._dependencies
        )

    def _apply_steps(self, steps: Iterable[Step], database: Database) -> Pause | None:
        """Apply the steps, each after its intent is in the journal. Return the pause that has ended them early."""
        journal = self._dependencies.journal
        for step in steps:
            self.check_interruption()
            pause = self._dependencies.read_pause()
            if pause is not None:
                return pause
            self.reporter.report_step(step)
            memory = journal.state
            journal.record_intent(step)
            try:
                database.apply(step)
            except DatabaseRefused as error:
                journal.record_rejection(step, memory, error.number)
                raise
            except DatabaseUnreachable as error:
                raise _UnansweredStep(error) from error
            journal.record_completion(step)
        return None

    def _record_passwords(self, desired: DesiredState, observed: ObservedState, dialect: SqlDialect) -> None:
        """Record the agent's passwords before any step and after the last one.

        By them a later pass recognizes passwords that were set by hand.
        """
        server, journal = observed.server, self._dependencies.journal
        retaining = tuple(find_retaining_accounts(desired, server, journal.state))
        confirmed = tuple(find_confirmed_accounts(desired, server, journal.state, dialect))
        journal.record_passwords(retaining, confirmed)

    def _write_channel_files(self, desired: DesiredState, observed: ObservedState) -> None:
        """Write the certificates of the channel before a step refers to them."""
        if desired.role is Role.REPLICA and desired.tls is not None:
            self._dependencies.channel_files.write_files(desired.tls, observed.server.data_directory)

    def _remove_unused_channel_files(self, desired: DesiredState, observed: ObservedState) -> None:
        """Remove superseded certificates. Until the channel has left them, none is removed."""
        server = observed.server
        if not server.data_directory:
            return
        tls = choose_channel_tls(desired, observed) if desired.role is Role.REPLICA else TlsOptions()
        if server.channel is None or server.channel.tls == tls:
            self._dependencies.channel_files.remove_unused_files(server.data_directory, tls)

    def _add_update_condition(self, readiness: Readiness) -> Readiness:
        route = self._dependencies.read_update_route()
        if route is None:
            return readiness
        conditions = judge_metadata_updates(route, self._dependencies.journal.elapsed_s)
        return Readiness.from_conditions(*readiness.conditions, *conditions)

    def _test_logins(
        self, desired: DesiredState, observed: ObservedState, address: str | None
    ) -> ObservedState:
        dependencies = self._dependencies
        self._login_errors = dict(
            try_logins(
                dependencies.source_view,
                desired,
                observed.server,
                address,
                self._document.section.network,
                dependencies.login_proofs,
                dependencies.identify_server_instance(),
                dependencies.clock.now(),
            )
        )
        return replace(observed, login_errors=self._login_errors)


def _plan_changes(snapshot: ConfigurationSnapshot | None) -> tuple[server_config.ConfigurationStep, ...]:
    return () if snapshot is None else server_config.plan_steps(snapshot)


def _build_readiness(name: str, state: ConditionState, expected: str, actual: str) -> Readiness:
    return Readiness.from_conditions(Condition(name, state, expected, actual))
