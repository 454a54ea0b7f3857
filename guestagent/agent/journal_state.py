"""The journal's content, and how each event changes it. Pure, but for the salts of fingerprints."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from guestagent.agent.account_index import AccountIndex
from guestagent.agent.divergence import Anchor, Divergence, Sighting, SourceIdentity, find_blocking_divergence
from guestagent.database.comparison_cache import ComparisonCache
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
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret
from guestagent.strict_json import UnreadableContent

COMPARISON_MEMO = ComparisonCache()
HEX_PATTERN = re.compile(r"([0-9a-f]{2})+")
EARLIER_TASKS_LIMIT = 16
"""So many superseded tasks keep their time."""
MARKER_ACCOUNT = Account("", "")
"""Stands among the unfinished accounts for the agent's mark: no account is named like that."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Tells whether a secret is one that was known before, and nothing more about it."""

    salt: str
    digest: str

    @classmethod
    def parse(cls, salt: object, digest: object) -> Fingerprint:
        """Return the fingerprint that was kept. Raises Unreadable if these can be none: a bit has changed, say."""
        if (
            isinstance(salt, str)
            and isinstance(digest, str)
            and HEX_PATTERN.fullmatch(salt)
            and HEX_PATTERN.fullmatch(digest)
        ):
            return cls(salt, digest)
        raise UnreadableContent("a fingerprint that is none")

    @classmethod
    def compute(cls, password: Secret) -> Fingerprint:
        salt = secrets.token_hex(16)
        return cls(salt, _digest(salt, password))

    def is_match(self, password: Secret) -> bool:
        def is_same() -> bool:
            return hmac.compare_digest(self.digest, _digest(self.salt, password))

        return COMPARISON_MEMO.compare(self.salt + self.digest, password.reveal(), is_same)


def _digest(salt: str, password: Secret) -> str:
    text = password.reveal().encode("utf-8", "surrogatepass")
    return hashlib.pbkdf2_hmac("sha256", text, bytes.fromhex(salt), 1000).hex()


PASSWORD_INDEX: AccountIndex[Fingerprint] = AccountIndex()
RETAINED_INDEX: AccountIndex[str] = AccountIndex()


@dataclass(frozen=True, slots=True)
class JournalState:
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
    partings: frozenset[Divergence] = frozenset()
    sighting: Sighting | None = None
    anchor: Anchor | None = None
    unfinished: frozenset[Account] = frozenset()

    def begin_task(self, task: str, now: float, boot: str) -> JournalState:
        """The memory when work on `task` begins or goes on.

        A task that was superseded before its deadline had done its duty goes on counting when it comes back, or
        documents that take turns would begin their deadlines anew for ever.
        """
        if self.task == task:
            return self
        spent = dict(self.earlier)
        if self.task and not self.settled:
            spent.pop(self.task, None)  # the newest comes last
            spent[self.task] = self.compute_elapsed_s(now, boot)
        begun = spent.pop(task, 0.0)
        kept = tuple(spent.items())[-EARLIER_TASKS_LIMIT:]
        return replace(self, task=task, spent=begun, noted=now, boot=boot, earlier=kept, settled=False)

    def get_task_seconds(self, task: str, now: float, boot: str) -> float:
        """Seconds that count for `task`, whether it is in work, was before, or is new."""
        return self.compute_elapsed_s(now, boot) if self.task == task else dict(self.earlier).get(task, 0.0)

    def can_be_agent_password(self, account: Account, proof: Secret) -> bool:
        """Whether it may be the agent that gave the account the password of which the server stores `proof`.

        Where the journal was lost, or the work on the account was cut before it could be looked at, any may.
        """
        known = self._given(account)
        return not known or any(each.is_match(proof) for each in known)

    def has_agent_passwords(self, seen: AccountState) -> bool:
        """Whether the account has the passwords that the agent has given it, and just those."""
        proofs = _proofs(seen)
        return len(self._given(seen.account)) == len(proofs) and all(
            self.can_be_agent_password(seen.account, each) for each in proofs
        )

    def record_passwords(self, accounts: Iterable[AccountState]) -> JournalState:
        """Knowing that these have the passwords that they are to have, and no others."""
        latest = {seen.account: seen for seen in accounts}
        if not latest:
            return self
        new = {(name, Fingerprint.compute(proof)) for name, seen in latest.items() for proof in _proofs(seen)}
        return replace(self, given=frozenset(each for each in self.given if each[0] not in latest) | new)

    def has_stale_password(self, account: Account) -> bool:
        """Whether the account's old password was retained in an earlier generation than the one in work."""
        return any(task != self.task for task in RETAINED_INDEX.find(self.retained, account))

    def record_retained(self, accounts: Iterable[Account]) -> JournalState:
        """Knowing that these have an old password.

        Of one that is not known yet (the journal was lost) it cannot be told whether its replica has moved: it is
        taken for one of this generation, and so outlives it.
        """
        known = {account for account, _ in self.retained}
        new = {(account, self.task) for account in accounts if account not in known}
        return replace(self, retained=self.retained | new) if new else self

    def compute_elapsed_s(self, now: float, boot: str) -> float:
        """Seconds of running machine since the first pass of the task.

        After a reboot the clock starts at zero: what it shows then is the time since. The pause between is not counted.
        """
        return self.spent + max(0.0, now - self.noted if boot == self.boot else now)

    def record_intent(self, step: Step) -> JournalState:
        """The memory with which `step` may be started."""
        memory = self._intending(step)
        if isinstance(step, AccountStep):
            return replace(memory, unfinished=memory.unfinished | {_target(step)})
        return memory

    def _intending(self, step: Step) -> JournalState:
        if isinstance(step, RemakeAccount):
            memory = replace(self._unknown(step.account), accounts=self.accounts | {step.account})
            return memory if step.retained_hash is None else memory.record_retained([step.account])
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
            return (
                memory
                if step.current_hash is None
                else memory._without(step.account).record_retained([step.account])
            )
        return self

    def record_completion(self, step: Step) -> JournalState:
        """The memory once `step` has taken effect."""
        memory = self._having_done(step)
        return memory.clear_unfinished(step) if isinstance(step, AccountStep) else memory

    def clear_unfinished(self, step: AccountStep) -> JournalState:
        """Knowing that the server and its log agree about what `step` was for."""
        return replace(self, unfinished=self.unfinished - {_target(step)})

    def _having_done(self, step: Step) -> JournalState:
        if isinstance(step, DropAccount):
            memory = self._without(step.account)._unknown(step.account)
            return replace(memory, accounts=self.accounts - {step.account})
        if isinstance(step, DiscardPassword) or (
            isinstance(step, SetPassword | RemakeAccount) and step.retained_hash is None
        ):
            return self._without(step.account)
        if isinstance(step, PointChannel) and not isinstance(step.password, UnresolvedFunction):
            return replace(self, channel=Fingerprint.compute(step.password))
        if isinstance(step, StartChannel):
            return self.clear_acceptance()
        return self

    def record_divergence(self, parting: Divergence) -> JournalState:
        """Knowing of a parting. An earlier one from the same source stands for it, unless it was accepted."""
        if find_blocking_divergence(self.partings, parting.source) is not None:
            return self
        return replace(self, partings=self._partings_but(parting.source) | {parting})

    def accept_source(self, source: SourceIdentity) -> JournalState:
        """Knowing that a person has accepted the source as it is: its channel may be started once."""
        parted = find_blocking_divergence(self.partings, source)
        if parted is None:
            return self
        sighting = None if self.sighting is None or self.sighting.source.is_same(source) else self.sighting
        accepted = replace(parted, accepted=True)
        return replace(self, partings=self._partings_but(source) | {accepted}, sighting=sighting, anchor=None)

    def clear_acceptance(self) -> JournalState:
        """Knowing that a channel runs: what a person has accepted has had its effect."""
        return replace(self, partings=frozenset(each for each in self.partings if not each.accepted))

    def _partings_but(self, source: SourceIdentity) -> frozenset[Divergence]:
        return frozenset(each for each in self.partings if not each.source.is_same(source))

    def _given(self, account: Account) -> Sequence[Fingerprint]:
        return PASSWORD_INDEX.find(self.given, account)

    def _unknown(self, account: Account) -> JournalState:
        return replace(self, given=frozenset(each for each in self.given if each[0] != account))

    def _without(self, account: Account) -> JournalState:
        return replace(self, retained=frozenset(each for each in self.retained if each[0] != account))


def _target(step: AccountStep) -> Account:
    return MARKER_ACCOUNT if isinstance(step, CreateMarker) else step.account


def _proofs(seen: AccountState) -> tuple[Secret, ...]:
    return (seen.password_hash,) if seen.retained_hash is None else (seen.password_hash, seen.retained_hash)
