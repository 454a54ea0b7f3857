"""What the agent must not forget in a crash and cannot see in the server: atomic, fsynced, versioned."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from guestagent.agent.account_index import AccountIndex
from guestagent.agent.journal_file import JournalFile
from guestagent.agent.parting import Anchor, Parting, Sighting, SourceIdentity, find_applicable
from guestagent.database.comparison_memo import ComparisonMemo
from guestagent.database.rejections import EXISTS, REJECTED
from guestagent.database.state import Account, AccountState
from guestagent.database.steps import (
    AccountStep,
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    PointChannel,
    RemakeAccount,
    SetPassword,
    SetPrivileges,
    StartChannel,
    Step,
)
from guestagent.errors import StorageError
from guestagent.metadata.document import Unresolved
from guestagent.retry import Clock
from guestagent.secret import Secret
from guestagent.strict_json import Unreadable, get_list, get_number, get_rows, get_text

VERSION = 1
COMPARISONS = ComparisonMemo()
HEX = re.compile(r"([0-9a-f]{2})+")
EARLIER_LIMIT = 16
"""So many superseded tasks keep their time."""
MARK = Account("", "")
"""Stands among the unfinished accounts for the agent's mark: no account is named like that."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> str:
    """Read the name of the machine's present boot; "" if a container hides it."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Tells whether a secret is one that was known before, and nothing more about it."""

    salt: str
    digest: str

    @classmethod
    def read(cls, salt: object, digest: object) -> Fingerprint:
        """Return the fingerprint that was kept. Raises Unreadable if these can be none: a bit has changed, say."""
        if isinstance(salt, str) and isinstance(digest, str) and HEX.fullmatch(salt) and HEX.fullmatch(digest):
            return cls(salt, digest)
        raise Unreadable("a fingerprint that is none")

    @classmethod
    def take(cls, password: Secret) -> Fingerprint:
        salt = secrets.token_hex(16)
        return cls(salt, _digest(salt, password))

    def of(self, password: Secret) -> bool:
        def is_same() -> bool:
            return hmac.compare_digest(self.digest, _digest(self.salt, password))

        return COMPARISONS.compare(self.salt + self.digest, password.reveal(), is_same)


def _digest(salt: str, password: Secret) -> str:
    text = password.reveal().encode("utf-8", "surrogatepass")
    return hashlib.pbkdf2_hmac("sha256", text, bytes.fromhex(salt), 1000).hex()


GIVEN: AccountIndex[Fingerprint] = AccountIndex()
RETAINED: AccountIndex[str] = AccountIndex()


@dataclass(frozen=True, slots=True)
class Memory:
    """The journal's content. `task` names the generation in work, `spent` the seconds counted for it until
    `noted` (clock of boot `boot`); `accounts` are those that the agent made or was about to make. `retained` are
    accounts with an old password beside the new one, each with the task in which that was first known. `given` is what
    the server stored of an account's passwords, present and retained, when the agent had done its work on it.
    `earlier` are tasks that were superseded, with their seconds, the newest last. `settled`: the deadline of the task
    in work has done its duty; if another task supersedes it, its seconds are forgotten.
    `partings` are from sources that no longer have the history of this replica, whatever generation it was;
    `sighting` is what the source has shown beyond the replica's own history, `anchor` the last proof that it
    has the same one.
    `unfinished` are accounts (and MARK) on which a statement was begun that may have changed the server without being
    in its binary log, or the other way round.
    """

    task: str = ""
    spent: float = 0.0
    noted: float = 0.0
    boot: str = ""
    accounts: frozenset[Account] = frozenset()
    channel: Fingerprint | None = None
    retained: frozenset[tuple[Account, str]] = frozenset()
    given: frozenset[tuple[Account, Fingerprint]] = frozenset()
    earlier: tuple[tuple[str, float], ...] = ()
    settled: bool = False
    partings: frozenset[Parting] = frozenset()
    sighting: Sighting | None = None
    anchor: Anchor | None = None
    unfinished: frozenset[Account] = frozenset()

    def starting(self, task: str, now: float, boot: str) -> Memory:
        """The memory when work on `task` begins or goes on.

        A task that was superseded before its deadline had done its duty goes on counting when it comes back, or
        documents that take turns would begin their deadlines anew for ever.
        """
        if self.task == task:
            return self
        spent = dict(self.earlier)
        if self.task and not self.settled:
            spent.pop(self.task, None)  # the newest comes last
            spent[self.task] = self.elapsed(now, boot)
        begun = spent.pop(task, 0.0)
        kept = tuple(spent.items())[-EARLIER_LIMIT:]
        return replace(self, task=task, spent=begun, noted=now, boot=boot, earlier=kept, settled=False)

    def spent_on(self, task: str, now: float, boot: str) -> float:
        """Seconds that count for `task`, whether it is in work, was before, or is new."""
        return self.elapsed(now, boot) if self.task == task else dict(self.earlier).get(task, 0.0)

    def gave(self, account: Account, proof: Secret) -> bool:
        """Whether it may be the agent that gave the account the password of which the server stores `proof`.

        Where the journal was lost, or the work on the account was cut before it could be looked at, any may.
        """
        known = self._given(account)
        return not known or any(each.of(proof) for each in known)

    def knows(self, seen: AccountState) -> bool:
        """Whether the account has the passwords that the agent has given it, and just those."""
        proofs = _proofs(seen)
        return len(self._given(seen.account)) == len(proofs) and all(
            self.gave(seen.account, each) for each in proofs
        )

    def having_seen(self, accounts: Iterable[AccountState]) -> Memory:
        """Knowing that these have the passwords that they are to have, and no others."""
        latest = {seen.account: seen for seen in accounts}
        if not latest:
            return self
        new = {(name, Fingerprint.take(proof)) for name, seen in latest.items() for proof in _proofs(seen)}
        return replace(self, given=frozenset(each for each in self.given if each[0] not in latest) | new)

    def outlived(self, account: Account) -> bool:
        """Whether the account's old password was retained in an earlier generation than the one in work."""
        return any(task != self.task for task in RETAINED.find(self.retained, account))

    def retaining(self, accounts: Iterable[Account]) -> Memory:
        """Knowing that these have an old password.

        Of one that is not known yet (the journal was lost) it cannot be told whether its replica has moved: it is
        taken for one of this generation, and so outlives it.
        """
        known = {account for account, _ in self.retained}
        new = {(account, self.task) for account in accounts if account not in known}
        return replace(self, retained=self.retained | new) if new else self

    def elapsed(self, now: float, boot: str) -> float:
        """Seconds of running machine since the first pass of the task.

        After a reboot the clock starts at zero: what it shows then is the time since. The pause between is not counted.
        """
        return self.spent + max(0.0, now - self.noted if boot == self.boot else now)

    def intending(self, step: Step) -> Memory:
        """The memory with which `step` may be started."""
        memory = self._intending(step)
        if isinstance(step, AccountStep):
            return replace(memory, unfinished=memory.unfinished | {_target(step)})
        return memory

    def _intending(self, step: Step) -> Memory:
        if isinstance(step, RemakeAccount):
            memory = replace(self._unknown(step.account), accounts=self.accounts | {step.account})
            return memory if step.beside is None else memory.retaining([step.account])
        if isinstance(step, CreateAccount):
            return replace(self._unknown(step.account), accounts=self.accounts | {step.account})
        if isinstance(step, SetPrivileges):
            # A REVOKE takes the mark along: cut before it is granted again, this alone tells whose the account is.
            return replace(self, accounts=self.accounts | {step.account})
        if isinstance(step, PointChannel):
            return replace(self, channel=None)
        if isinstance(step, SetPassword):
            # Cut from here on, either password may be the account's, and the journal's own: none is taken for drift.
            memory = self._unknown(step.account)
            return memory if step.retained is None else memory._without(step.account).retaining([step.account])
        return self

    def having_done(self, step: Step) -> Memory:
        """The memory once `step` has taken effect."""
        memory = self._having_done(step)
        return memory.without_unfinished(step) if isinstance(step, AccountStep) else memory

    def without_unfinished(self, step: AccountStep) -> Memory:
        """Knowing that the server and its log agree about what `step` was for."""
        return replace(self, unfinished=self.unfinished - {_target(step)})

    def _having_done(self, step: Step) -> Memory:
        if isinstance(step, DropAccount):
            memory = self._without(step.account)._unknown(step.account)
            return replace(memory, accounts=self.accounts - {step.account})
        if isinstance(step, DiscardPassword) or (
            isinstance(step, SetPassword | RemakeAccount) and step.beside is None
        ):
            return self._without(step.account)
        if isinstance(step, PointChannel) and not isinstance(step.password, Unresolved):
            return replace(self, channel=Fingerprint.take(step.password))
        if isinstance(step, StartChannel):
            return self.having_started()
        return self

    def adding_parting(self, parting: Parting) -> Memory:
        """Knowing of a parting. An earlier one from the same source stands for it, unless it was accepted."""
        if find_applicable(self.partings, parting.source) is not None:
            return self
        return replace(self, partings=self._partings_but(parting.source) | {parting})

    def accepting(self, source: SourceIdentity) -> Memory:
        """Knowing that a person has accepted the source as it is: its channel may be started once."""
        parted = find_applicable(self.partings, source)
        if parted is None:
            return self
        sighting = None if self.sighting is None or self.sighting.source.is_same(source) else self.sighting
        accepted = replace(parted, accepted=True)
        return replace(self, partings=self._partings_but(source) | {accepted}, sighting=sighting, anchor=None)

    def having_started(self) -> Memory:
        """Knowing that a channel runs: what a person has accepted has had its effect."""
        return replace(self, partings=frozenset(each for each in self.partings if not each.accepted))

    def _partings_but(self, source: SourceIdentity) -> frozenset[Parting]:
        return frozenset(each for each in self.partings if not each.source.is_same(source))

    def _given(self, account: Account) -> Sequence[Fingerprint]:
        return GIVEN.find(self.given, account)

    def _unknown(self, account: Account) -> Memory:
        return replace(self, given=frozenset(each for each in self.given if each[0] != account))

    def _without(self, account: Account) -> Memory:
        return replace(self, retained=frozenset(each for each in self.retained if each[0] != account))


def _target(step: AccountStep) -> Account:
    return MARK if isinstance(step, CreateMarker) else step.account


def _proofs(seen: AccountState) -> tuple[Secret, ...]:
    return (seen.proof,) if seen.retained is None else (seen.proof, seen.retained)


class Journal:
    """The memory and its file. Every change is on the disk before the call returns (StorageError otherwise).

    `loss` names the files of a journal that could not be read, "" if nothing is lost. A journal that is missing is no
    loss: a new node has none.
    """

    def __init__(self, path: Path, clock: Clock, boot_id: str | None = None) -> None:
        self._clock, self._file = clock, JournalFile(path, _memory)
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
            self._file.write(_dumped(memory))
        self.memory = self._kept = memory


def _dumped(memory: Memory) -> dict[str, object]:
    # Not `asdict` of the whole: it copies every account deeply, for each step of a first pass that makes a thousand.
    content = {each.name: getattr(memory, each.name) for each in fields(memory)} | {
        "channel": None if memory.channel is None else asdict(memory.channel),
        "sighting": None if memory.sighting is None else asdict(memory.sighting),
        "anchor": None if memory.anchor is None else asdict(memory.anchor),
        "accounts": sorted([a.name, a.host] for a in memory.accounts),
        "retained": sorted([a.name, a.host, task] for a, task in memory.retained),
        "unfinished": sorted([a.name, a.host] for a in memory.unfinished),
        "given": sorted([a.name, a.host, known.salt, known.digest] for a, known in memory.given),
        "earlier": [{"task": task, "spent": spent} for task, spent in memory.earlier],
        "partings": [asdict(parting) for parting in sorted(memory.partings)],
    }
    return {"version": VERSION, **content}


def _memory(data: Mapping[str, object]) -> Memory:
    channel = data["channel"]
    # An older agent's has no `retained`, no `given` and nothing below it.
    return Memory(
        task=get_text(data, "task"),
        spent=get_number(data, "spent"),
        noted=get_number(data, "noted"),
        boot=get_text(data, "boot"),
        accounts=frozenset(Account(name, host) for name, host in get_rows(data, "accounts", 2)),
        channel=Fingerprint.read(channel["salt"], channel["digest"]) if isinstance(channel, dict) else None,
        retained=frozenset((Account(name, host), task) for name, host, task in get_rows(data, "retained", 3, [])),
        given=frozenset(
            (Account(name, host), Fingerprint.read(salt, digest))
            for name, host, salt, digest in get_rows(data, "given", 4, [])
        ),
        earlier=tuple(_read_earlier(row) for row in get_list(data, "earlier", [])),
        settled=data.get("settled", False) is True,
        partings=frozenset(_read_parting(row) for row in get_list(data, "partings", [])),
        sighting=None if data.get("sighting") is None else _read_sighting(data["sighting"]),
        anchor=None if data.get("anchor") is None else _read_anchor(data["anchor"]),
        unfinished=frozenset(Account(name, host) for name, host in get_rows(data, "unfinished", 2, [])),
    )


def _read_earlier(row: object) -> tuple[str, float]:
    if not isinstance(row, dict):
        raise Unreadable("earlier is not a list of objects")
    return get_text(row, "task"), get_number(row, "spent")


def _read_parting(row: object) -> Parting:
    if not isinstance(row, dict):
        raise Unreadable("partings is not a list of objects")
    texts = {name: get_text(row, name) for name in ("errant", "lost", "replaced", "rejected", "history")}
    skipped = get_text(row, "skipped") if "skipped" in row else ""
    return Parting(_read_source(row), accepted=row["accepted"] is True, skipped=skipped, **texts)


def _read_sighting(row: object) -> Sighting:
    if not isinstance(row, dict):
        raise Unreadable("sighting is no object")
    return Sighting(_read_source(row), get_text(row, "newest"))


def _read_anchor(row: object) -> Anchor:
    if not isinstance(row, dict):
        raise Unreadable("anchor is no object")
    started, resets = int(get_number(row, "started")), int(get_number(row, "resets"))
    return Anchor(_read_source(row), started, resets, get_text(row, "newest"))


def _read_source(row: Mapping[str, object]) -> SourceIdentity:
    source = row["source"]
    if not isinstance(source, dict):
        raise Unreadable("source is no object")
    return SourceIdentity(get_text(source, "address"), int(get_number(source, "port")), get_text(source, "uuid"))
