"""The content of the journal, and how each event changes it. Pure, except for the salts of fingerprints."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from guestagent.agent.account_index import AccountIndex
from guestagent.agent.anchor import Anchor
from guestagent.agent.divergence import Divergence, Sighting, SourceIdentity, find_blocking_divergence
from guestagent.agent.donor_record import DonorRecord
from guestagent.agent.seed_record import SeedRecord
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
"""The number of superseded tasks whose time is kept."""
MARKER_ACCOUNT = Account("", "")
"""Represents the agent's marker among the unfinished accounts: no real account has this name."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A salted hash, which only shows whether a secret is the same as an earlier one."""

    salt: str
    digest: str

    @classmethod
    def parse(cls, salt: object, digest: object) -> Fingerprint:
        """Return a stored fingerprint. Raises UnreadableContent if it is invalid: a bit has changed, for example."""
        if (
            isinstance(salt, str)
            and isinstance(digest, str)
            and HEX_PATTERN.fullmatch(salt)
            and HEX_PATTERN.fullmatch(digest)
        ):
            return cls(salt, digest)
        raise UnreadableContent("an invalid fingerprint")

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
    """The content of the journal.

    `task` is the present generation; `elapsed_s` are the seconds that counted for it at `measured_at` (a time of the
    clock of boot `boot_id`). If `has_outcome`, its deadline no longer applies, and its seconds are forgotten when
    another task supersedes it. `superseded_tasks` are earlier tasks with their seconds, the newest last.

    `accounts` are those that the agent created or was about to create. `retained_passwords` are accounts with an old
    password beside the new one, each with the task in which that was first known. `password_fingerprints` are of what
    the server stored for an account, present and retained password, when the agent had completed its work on it.
    `channel` is the fingerprint of the channel's password. `unfinished` are accounts (and MARKER_ACCOUNT) with a
    statement that may have changed the server without being in its binary log, or the other way round.

    `divergences` are from sources that no longer have the history of this replica, of any generation. `sighting` is
    what the source has shown beyond the replica's own history, `anchor` the last proof that both have the same one.
    `seed` is the newest copy of a source's data that was requested. `donors`: what a source remembers of the replicas
    that it seeds, the latest last; `donors_measured_at`: the boot and the time of its clock that their ages are of.
    """

    task: str = ""
    elapsed_s: float = 0.0
    measured_at: float = 0.0
    boot_id: str = ""
    accounts: frozenset[Account] = frozenset()
    channel: Fingerprint | None = None
    retained_passwords: frozenset[tuple[Account, str]] = frozenset()
    password_fingerprints: frozenset[tuple[Account, Fingerprint]] = frozenset()
    superseded_tasks: tuple[tuple[str, float], ...] = ()
    has_outcome: bool = False
    divergences: frozenset[Divergence] = frozenset()
    sighting: Sighting | None = None
    anchor: Anchor | None = None
    unfinished: frozenset[Account] = frozenset()
    seed: SeedRecord | None = None
    donors: tuple[DonorRecord, ...] = ()
    donors_measured_at: tuple[str, float] | None = None

    def begin_task(self, task: str, now: float, boot_id: str) -> JournalState:
        """Return the state in which work on the task begins or continues.

        A task that was superseded before it had an outcome continues to count when it comes back. Otherwise documents
        that alternate would restart their deadlines for ever.
        """
        if self.task == task:
            return self
        tasks = dict(self.superseded_tasks)
        if self.task and not self.has_outcome:
            tasks.pop(self.task, None)  # the newest comes last
            tasks[self.task] = self.compute_elapsed_s(now, boot_id)
        elapsed_s = tasks.pop(task, 0.0)
        return replace(
            self,
            task=task,
            elapsed_s=elapsed_s,
            measured_at=now,
            boot_id=boot_id,
            superseded_tasks=tuple(tasks.items())[-EARLIER_TASKS_LIMIT:],
            has_outcome=False,
        )

    def get_task_seconds(self, task: str, now: float, boot_id: str) -> float:
        """Return the seconds that count for a task: the present one, a superseded one, or a new one."""
        if self.task == task:
            return self.compute_elapsed_s(now, boot_id)
        return dict(self.superseded_tasks).get(task, 0.0)

    def compute_elapsed_s(self, now: float, boot_id: str) -> float:
        """Return the seconds since the first pass of the task during which the machine was running.

        After a reboot the clock starts at zero, so it shows the time since then. The time between is not counted.
        """
        return self.elapsed_s + max(0.0, now - self.measured_at if boot_id == self.boot_id else now)

    def can_be_agent_password(self, account: Account, password_hash: Secret) -> bool:
        """Whether the agent may have set the password of which the server stores this hash.

        If the journal was lost, or if the work on the account was interrupted before it was observed, any may be.
        """
        fingerprints = self._find_fingerprints(account)
        return not fingerprints or any(fingerprint.is_match(password_hash) for fingerprint in fingerprints)

    def has_agent_passwords(self, account_state: AccountState) -> bool:
        """Whether the account has exactly the passwords that the agent has set."""
        account, hashes = account_state.account, _list_hashes(account_state)
        return len(self._find_fingerprints(account)) == len(hashes) and all(
            self.can_be_agent_password(account, password_hash) for password_hash in hashes
        )

    def record_passwords(self, account_states: Iterable[AccountState]) -> JournalState:
        """Return the state after these accounts were observed with exactly the desired passwords."""
        latest_states = {account_state.account: account_state for account_state in account_states}
        if not latest_states:
            return self
        others = frozenset(pair for pair in self.password_fingerprints if pair[0] not in latest_states)
        fingerprints = {
            (account, Fingerprint.compute(password_hash))
            for account, account_state in latest_states.items()
            for password_hash in _list_hashes(account_state)
        }
        return replace(self, password_fingerprints=others | fingerprints)

    def has_stale_password(self, account: Account) -> bool:
        """Whether the account's old password was retained in an earlier generation than the present one."""
        tasks = RETAINED_INDEX.find(self.retained_passwords, account)
        return any(task != self.task for task in tasks)

    def record_retained(self, accounts: Iterable[Account]) -> JournalState:
        """Return the state in which these accounts have an old password.

        If one is not known yet (the journal was lost), it is not certain that its replica uses the new password: it is
        attributed to this generation, and so outlives it.
        """
        recorded_accounts = {account for account, _ in self.retained_passwords}
        new = {(account, self.task) for account in accounts if account not in recorded_accounts}
        return replace(self, retained_passwords=self.retained_passwords | new) if new else self

    def record_intent(self, step: Step) -> JournalState:
        """Return the state with which `step` may be started."""
        state = self._prepare_step(step)
        if isinstance(step, AccountStep):
            return replace(state, unfinished=state.unfinished | {_get_account(step)})
        return state

    def _prepare_step(self, step: Step) -> JournalState:
        if isinstance(step, RemakeAccount):
            state = replace(self._forget_fingerprints(step.account), accounts=self.accounts | {step.account})
            return state if step.retained_hash is None else state.record_retained([step.account])
        if isinstance(step, CreateAccount):
            return replace(self._forget_fingerprints(step.account), accounts=self.accounts | {step.account})
        if isinstance(step, SetPrivileges):
            # REVOKE removes the marker, too. If the agent is killed before the next GRANT, only the journal shows
            # that the account is the agent's.
            return replace(self, accounts=self.accounts | {step.account})
        if isinstance(step, PointChannel):
            return replace(self, channel=None)
        if isinstance(step, SetPassword):
            # If the agent is killed from here on, the account may have either password: neither counts as drift.
            state = self._forget_fingerprints(step.account)
            if step.current_hash is None:
                return state
            return state._forget_retained(step.account).record_retained([step.account])
        return self

    def record_completion(self, step: Step) -> JournalState:
        """Return the state after `step` has taken effect."""
        state = self._complete_step(step)
        return state.clear_unfinished(step) if isinstance(step, AccountStep) else state

    def clear_unfinished(self, step: AccountStep) -> JournalState:
        """Return the state in which the server and its binary log agree about the account of `step`."""
        return replace(self, unfinished=self.unfinished - {_get_account(step)})

    def _complete_step(self, step: Step) -> JournalState:
        if isinstance(step, DropAccount):
            state = self._forget_retained(step.account)._forget_fingerprints(step.account)
            return replace(state, accounts=self.accounts - {step.account})
        if isinstance(step, DiscardPassword) or (
            isinstance(step, SetPassword | RemakeAccount) and step.retained_hash is None
        ):
            return self._forget_retained(step.account)
        if isinstance(step, PointChannel) and not isinstance(step.password, UnresolvedFunction):
            return replace(self, channel=Fingerprint.compute(step.password))
        if isinstance(step, StartChannel):
            return self.clear_acceptance()
        return self

    def record_divergence(self, divergence: Divergence) -> JournalState:
        """Return the state with this divergence, unless it has one from this source that was not accepted."""
        if find_blocking_divergence(self.divergences, divergence.source) is not None:
            return self
        return replace(self, divergences=self._exclude_source(divergence.source) | {divergence})

    def accept_source(self, source: SourceIdentity, anchor: Anchor | None = None) -> JournalState:
        """Return the state after a person has accepted the source as it is: its channel may be started once.

        With the `anchor` a source that goes back in time before the next pass is noticed.
        """
        divergence = find_blocking_divergence(self.divergences, source)
        if divergence is None:
            return self
        sighting = None if self.sighting is None or self.sighting.source.is_same(source) else self.sighting
        divergences = self._exclude_source(source) | {replace(divergence, accepted=True)}
        return replace(self, divergences=divergences, sighting=sighting, anchor=anchor)

    def clear_acceptance(self) -> JournalState:
        """Return the state after a channel was started: the acceptance has had its effect."""
        blocking = frozenset(divergence for divergence in self.divergences if not divergence.accepted)
        return replace(self, divergences=blocking)

    def _exclude_source(self, source: SourceIdentity) -> frozenset[Divergence]:
        return frozenset(
            divergence for divergence in self.divergences if not divergence.source.is_same(source)
        )

    def _find_fingerprints(self, account: Account) -> Sequence[Fingerprint]:
        return PASSWORD_INDEX.find(self.password_fingerprints, account)

    def _forget_fingerprints(self, account: Account) -> JournalState:
        others = frozenset(pair for pair in self.password_fingerprints if pair[0] != account)
        return replace(self, password_fingerprints=others)

    def _forget_retained(self, account: Account) -> JournalState:
        others = frozenset(pair for pair in self.retained_passwords if pair[0] != account)
        return replace(self, retained_passwords=others)


def _get_account(step: AccountStep) -> Account:
    return MARKER_ACCOUNT if isinstance(step, CreateMarker) else step.account


def _list_hashes(account_state: AccountState) -> tuple[Secret, ...]:
    if account_state.retained_hash is None:
        return (account_state.password_hash,)
    return account_state.password_hash, account_state.retained_hash
