"""The journal: what the agent must remember across a crash and cannot read from the server."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from guestagent.agent.anchor import Anchor
from guestagent.agent.divergence import Divergence, Sighting, SourceIdentity
from guestagent.agent.donor_record import DonorRecord, has_progress, update_donor_records
from guestagent.agent.journal_file import JournalFile
from guestagent.agent.journal_format import dump_journal, parse_journal
from guestagent.agent.journal_state import JournalState
from guestagent.agent.seed_record import SeedRecord
from guestagent.database.error_numbers import ER_CANNOT_USER, NO_EFFECT_ERRORS
from guestagent.database.state import Account, AccountState
from guestagent.database.steps import AccountStep, CreateAccount, Step
from guestagent.errors import StorageError
from guestagent.metadata.document import JoiningReplica
from guestagent.retry import Clock

DONOR_INTERVAL_S = 60.0
BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> str:
    """Return the id of the machine's present boot, or "" if a container hides it."""
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return ""


class Journal:
    """The journal's state and its file.

    Every change is on the disk before the call returns, or StorageError is raised. `loss` names the files of a journal
    that could not be read; it is "" if nothing is lost. A missing journal is no loss: a new node has none.
    """

    def __init__(self, path: Path, clock: Clock, boot_id: str | None = None) -> None:
        self._clock, self._file = clock, JournalFile(path, parse_journal)
        self._boot_id = read_boot_id() if boot_id is None else boot_id
        self.state = self._stored_state = self._file.value or JournalState()

    @property
    def loss(self) -> str:
        return self._file.loss

    def accept_loss(self) -> None:
        """Go on without the lost journal: the server has nothing that it could be about."""
        self._file.release_kept_files()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first pass of the present task."""
        return self.state.compute_elapsed_s(self._clock.now(), self._boot_id)

    def rename_task(self, former_name: str, task: str) -> None:
        """Go on with a task that a journal of an earlier version names differently."""
        if self.state.task == former_name:
            retained_passwords = frozenset(
                (account, task if name == former_name else name)
                for account, name in self.state.retained_passwords
            )
            self.state = replace(self.state, task=task, retained_passwords=retained_passwords)

    def begin_task(self, task: str) -> None:
        """Begin or continue a task: a new one has 0 seconds. It begins even if StorageError is raised."""
        self.state = self.state.begin_task(task, self._clock.now(), self._boot_id)
        self._write(self.state)

    def record_outcome(self, task: str) -> None:
        """Record that the task has an outcome, so that its deadline no longer applies. A full disk does not matter."""
        if self.state.task == task:
            with suppress(StorageError):
                self._write(replace(self.state, has_outcome=True))

    def get_task_seconds(self, task: str) -> float:
        """Return the seconds that count for the task; 0 for a new one."""
        return self.state.get_task_seconds(task, self._clock.now(), self._boot_id)

    def record_elapsed(self) -> None:
        """Record the elapsed time, so that a reboot does not reset it."""
        elapsed_s, now = self.elapsed_s, self._clock.now()
        self._write(replace(self.state, elapsed_s=elapsed_s, measured_at=now, boot_id=self._boot_id))

    def record_passwords(self, retaining: Iterable[Account], right: Iterable[AccountState]) -> None:
        """Record which accounts have an old password, too, and which have exactly the desired passwords.

        The latter is optional, and a full disk must not keep a node from being ready: without it a later pass repeats
        the work.
        """
        self._write(self.state.record_retained(retaining))
        with suppress(StorageError):
            self._write(self.state.record_passwords(right))

    def record_donors(
        self, replicas: Iterable[JoiningReplica], connected_users: Collection[str]
    ) -> tuple[DonorRecord, ...]:
        """Record which of these replicas have a channel. Raises StorageError: a seed that is over stays so.

        Their ages alone are written now and then.
        """
        before, now = self.state.donors, self._clock.now()
        boot_id, measured_at = self.state.donors_measured_at or ("", now)
        passed_s = max(0.0, now - measured_at) if boot_id == self._boot_id else 0.0
        records = update_donor_records(before, replicas, connected_users, passed_s)
        is_measured = passed_s < DONOR_INTERVAL_S and boot_id == self._boot_id
        is_waiting = any(not each.is_over for each in records)
        if has_progress(before, records) or (is_waiting and not is_measured):
            self._write(replace(self.state, donors=records, donors_measured_at=(self._boot_id, now)))
        return records

    def record_divergence(self, divergence: Divergence) -> None:
        """Record a divergence, before anything else is done. Raises StorageError if that is not possible."""
        self._write(self.state.record_divergence(divergence))

    def accept_source(self, source: SourceIdentity, anchor: Anchor | None = None) -> None:
        """Record that a person has accepted the source. `anchor`: at the source as it was accepted, if known."""
        self._write(self.state.accept_source(source, anchor))

    def clear_acceptance(self) -> None:
        """Remove the acceptance of a source, which is valid until the channel runs."""
        self._write(self.state.clear_acceptance())

    def forget_divergences(self) -> None:
        """Remove every divergence: the server is blank, and so contradicts no source."""
        self._write(replace(self.state, divergences=frozenset(), sighting=None, anchor=None))

    def record_seed(self, seed: SeedRecord) -> None:
        """Record that a seed is about to begin. Raises StorageError if that is not possible."""
        self._write(replace(self.state, seed=seed))

    def forget_seed(self) -> None:
        """Forget a seed that has left no data. Its marker then names nobody's."""
        self._write(replace(self.state, seed=None))

    def complete_seed(self, seed: SeedRecord) -> None:
        """Record a complete seed. The server has a new history, which contradicts no source."""
        self._write(
            replace(self.state, seed=seed, divergences=frozenset(), sighting=None, anchor=None, channel=None)
        )

    def set_sighting(self, sighting: Sighting) -> None:
        """Record what the source has shown. It is optional: a full disk must not keep a node from being ready."""
        with suppress(StorageError):
            self._write(replace(self.state, sighting=sighting))

    def set_anchor(self, anchor: Anchor) -> None:
        """Record that this server and its source have one history. It is optional, as in `set_sighting`."""
        with suppress(StorageError):
            self._write(replace(self.state, anchor=anchor))

    def record_intent(self, step: Step) -> None:
        self._write(self.state.record_intent(step))

    def record_completion(self, step: Step) -> None:
        """Record that `step` has taken effect.

        The completion of an account alone is written with the next change, which comes soon. If it is lost, the account
        is created once more.
        """
        state = self.state.record_completion(step)
        if replace(state, unfinished=self._stored_state.unfinished) == self._stored_state:
            self.state = state
        else:
            self._write(state)

    def record_rejection(self, step: Step, state_before: JournalState, error_number: int) -> None:
        """Record that the server has rejected the last statement of `step`, and that it changed nothing.

        `state_before` is the state before the intent was recorded.
        """
        if isinstance(step, CreateAccount) and error_number == ER_CANNOT_USER:
            self._write(state_before)
        elif isinstance(step, AccountStep) and error_number in NO_EFFECT_ERRORS:
            self._write(self.state.clear_unfinished(step))

    def _write(self, state: JournalState) -> None:
        if state != self._stored_state or not self._file.is_consistent:
            self._file.write(dump_journal(state))
        self.state = self._stored_state = state
