"""What the agent must not forget in a crash and cannot see in the server: atomic, fsynced, versioned."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from guestagent.agent.journal_file import JournalFile
from guestagent.agent.journal_format import dump_memory, parse_memory
from guestagent.agent.journal_memory import Memory
from guestagent.agent.parting import Anchor, Parting, Sighting, SourceIdentity
from guestagent.database.rejections import EXISTS, REJECTED
from guestagent.database.state import Account, AccountState
from guestagent.database.steps import AccountStep, CreateAccount, Step
from guestagent.errors import StorageError
from guestagent.retry import Clock

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> str:
    """Read the name of the machine's present boot; "" if a container hides it."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Journal:
    """The memory and its file. Every change is on the disk before the call returns (StorageError otherwise).

    `loss` names the files of a journal that could not be read, "" if nothing is lost. A journal that is missing is no
    loss: a new node has none.
    """

    def __init__(self, path: Path, clock: Clock, boot_id: str | None = None) -> None:
        self._clock, self._file = clock, JournalFile(path, parse_memory)
        self._boot = read_boot_id() if boot_id is None else boot_id
        self.memory = self._kept = self._file.value or Memory()

    @property
    def loss(self) -> str:
        return self._file.loss

    def accept_loss(self) -> None:
        """Go on without what was lost: the server holds nothing that it could be about."""
        self._file.release()

    @property
    def elapsed(self) -> float:
        """Seconds since the first pass of the task in work."""
        return self.memory.elapsed(self._clock.now(), self._boot)

    def rename(self, former: str, task: str) -> None:
        """Go on with a task that a journal of an earlier version names differently."""
        if self.memory.task == former:
            retained = frozenset((account, task if name == former else name) for account, name in self.memory.retained)
            self.memory = replace(self.memory, task=task, retained=retained)

    def begin(self, task: str) -> None:
        """Work on `task`: its seconds start now, unless it was in work already; also where that cannot be kept."""
        self.memory = self.memory.starting(task, self._clock.now(), self._boot)
        self._keep(self.memory)

    def settle(self, task: str) -> None:
        """Note that the deadline of `task` has done its duty: it has an outcome. A full disk does not matter."""
        if self.memory.task == task:
            with suppress(StorageError):
                self._keep(replace(self.memory, settled=True))

    def spent_on(self, task: str) -> float:
        """Return the seconds that count for `task`; 0 if it was not in work yet."""
        return self.memory.spent_on(task, self._clock.now(), self._boot)

    def tick(self) -> None:
        """Note how much time is spent, so that a reboot does not give it back."""
        spent, now = self.elapsed, self._clock.now()
        self._keep(replace(self.memory, spent=spent, noted=now, boot=self._boot))

    def looked(self, retaining: Iterable[Account], right: Iterable[AccountState]) -> None:
        """Note which accounts have an old password too, and which have only passwords that they are to have.

        The latter may be missing, and a full disk must not keep a node from being ready: a later pass is more careful.
        """
        self._keep(self.memory.retaining(retaining))
        with suppress(StorageError):
            self._keep(self.memory.having_seen(right))

    def part(self, parting: Parting) -> None:
        """Remember a parting, before anything else is done. StorageError if that is not possible."""
        self._keep(self.memory.adding_parting(parting))

    def accept(self, source: SourceIdentity) -> None:
        """Remember that a person has accepted the source."""
        self._keep(self.memory.accepting(source))

    def channel_runs(self) -> None:
        """Forget what a person had accepted until the channel runs."""
        self._keep(self.memory.having_started())

    def forget_partings(self) -> None:
        """Forget every parting: the server is blank, and so contradicts no source."""
        self._keep(replace(self.memory, partings=frozenset(), sighting=None, anchor=None))

    def sight(self, sighting: Sighting) -> None:
        """Remember what the source has shown. It may be missing: a full disk must not keep a node from being ready."""
        with suppress(StorageError):
            self._keep(replace(self.memory, sighting=sighting))

    def set_anchor(self, anchor: Anchor) -> None:
        """Remember that this server and its source have one history. It may be missing, as in `sight`."""
        with suppress(StorageError):
            self._keep(replace(self.memory, anchor=anchor))

    def intend(self, step: Step) -> None:
        self._keep(self.memory.intending(step))

    def done(self, step: Step) -> None:
        """Note that `step` has taken effect.

        That an account is finished is kept with the next change, which is soon. If it is lost, the account is made
        once more.
        """
        memory = self.memory.having_done(step)
        if replace(memory, unfinished=self._kept.unfinished) == self._kept:
            self.memory = memory
        else:
            self._keep(memory)

    def retract(self, step: Step, before: Memory, number: int) -> None:
        """Note that the server has rejected `step` with the error `number`, and changed nothing for its last statement.

        `before` is the memory from before it was intended.
        """
        if isinstance(step, CreateAccount) and number == EXISTS:
            self._keep(before)
        elif isinstance(step, AccountStep) and number in REJECTED:
            self._keep(self.memory.without_unfinished(step))

    def _keep(self, memory: Memory) -> None:
        if memory != self._kept or not self._file.is_repaired:
            self._file.write(dump_memory(memory))
        self.memory = self._kept = memory
