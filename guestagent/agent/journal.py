"""What the agent must not forget in a crash and cannot see in the server: atomic, fsynced, versioned."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from guestagent.agent.divergence import Anchor, Divergence, Sighting, SourceIdentity
from guestagent.agent.journal_file import JournalFile
from guestagent.agent.journal_format import dump_journal, parse_journal
from guestagent.agent.journal_state import JournalState
from guestagent.database.error_numbers import ER_CANNOT_USER, NO_EFFECT_ERRORS
from guestagent.database.state import Account, AccountState
from guestagent.database.steps import AccountStep, CreateAccount, Step
from guestagent.errors import StorageError
from guestagent.retry import Clock

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> str:
    """Read the name of the machine's present boot; "" if a container hides it."""
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return ""


class Journal:
    """The memory and its file. Every change is on the disk before the call returns (StorageError otherwise).

    `loss` names the files of a journal that could not be read, "" if nothing is lost. A journal that is missing is no
    loss: a new node has none.
    """

    def __init__(self, path: Path, clock: Clock, boot_id: str | None = None) -> None:
        self._clock, self._file = clock, JournalFile(path, parse_journal)
        self._boot = read_boot_id() if boot_id is None else boot_id
        self.state = self._kept = self._file.value or JournalState()

    @property
    def loss(self) -> str:
        return self._file.loss

    def accept_loss(self) -> None:
        """Go on without what was lost: the server holds nothing that it could be about."""
        self._file.release_kept_files()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first pass of the task in work."""
        return self.state.compute_elapsed_s(self._clock.now(), self._boot)

    def rename_task(self, former: str, task: str) -> None:
        """Go on with a task that a journal of an earlier version names differently."""
        if self.state.task == former:
            retained = frozenset(
                (account, task if name == former else name) for account, name in self.state.retained
            )
            self.state = replace(self.state, task=task, retained=retained)

    def begin_task(self, task: str) -> None:
        """Work on `task`: its seconds start now, unless it was in work already; also where that cannot be kept."""
        self.state = self.state.begin_task(task, self._clock.now(), self._boot)
        self._keep(self.state)

    def record_outcome(self, task: str) -> None:
        """Note that the deadline of `task` has done its duty: it has an outcome. A full disk does not matter."""
        if self.state.task == task:
            with suppress(StorageError):
                self._keep(replace(self.state, settled=True))

    def get_task_seconds(self, task: str) -> float:
        """Return the seconds that count for `task`; 0 if it was not in work yet."""
        return self.state.get_task_seconds(task, self._clock.now(), self._boot)

    def record_elapsed(self) -> None:
        """Note how much time is spent, so that a reboot does not give it back."""
        spent, now = self.elapsed_s, self._clock.now()
        self._keep(replace(self.state, spent=spent, noted=now, boot=self._boot))

    def record_passwords(self, retaining: Iterable[Account], right: Iterable[AccountState]) -> None:
        """Note which accounts have an old password too, and which have only passwords that they are to have.

        The latter may be missing, and a full disk must not keep a node from being ready: a later pass is more careful.
        """
        self._keep(self.state.record_retained(retaining))
        with suppress(StorageError):
            self._keep(self.state.record_passwords(right))

    def record_divergence(self, parting: Divergence) -> None:
        """Remember a parting, before anything else is done. StorageError if that is not possible."""
        self._keep(self.state.record_divergence(parting))

    def accept_source(self, source: SourceIdentity) -> None:
        """Remember that a person has accepted the source."""
        self._keep(self.state.accept_source(source))

    def clear_acceptance(self) -> None:
        """Forget what a person had accepted until the channel runs."""
        self._keep(self.state.clear_acceptance())

    def forget_divergences(self) -> None:
        """Forget every parting: the server is blank, and so contradicts no source."""
        self._keep(replace(self.state, partings=frozenset(), sighting=None, anchor=None))

    def set_sighting(self, sighting: Sighting) -> None:
        """Remember what the source has shown. It may be missing: a full disk must not keep a node from being ready."""
        with suppress(StorageError):
            self._keep(replace(self.state, sighting=sighting))

    def set_anchor(self, anchor: Anchor) -> None:
        """Remember that this server and its source have one history. It may be missing, as in `sight`."""
        with suppress(StorageError):
            self._keep(replace(self.state, anchor=anchor))

    def record_intent(self, step: Step) -> None:
        self._keep(self.state.record_intent(step))

    def record_completion(self, step: Step) -> None:
        """Note that `step` has taken effect.

        That an account is finished is kept with the next change, which is soon. If it is lost, the account is made
        once more.
        """
        memory = self.state.record_completion(step)
        if replace(memory, unfinished=self._kept.unfinished) == self._kept:
            self.state = memory
        else:
            self._keep(memory)

    def record_rejection(self, step: Step, before: JournalState, number: int) -> None:
        """Note that the server has rejected `step` with the error `number`, and changed nothing for its last statement.

        `before` is the memory from before it was intended.
        """
        if isinstance(step, CreateAccount) and number == ER_CANNOT_USER:
            self._keep(before)
        elif isinstance(step, AccountStep) and number in NO_EFFECT_ERRORS:
            self._keep(self.state.clear_unfinished(step))

    def _keep(self, memory: JournalState) -> None:
        if memory != self._kept or not self._file.is_consistent:
            self._file.write(dump_journal(memory))
        self.state = self._kept = memory
