"""The agent's own values: the desired and the observed state, and the conditions that compare them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from guestagent.agent.desired_accounts import (
    DesiredAccount,
    list_desired_accounts,
    list_joining_replicas,
)
from guestagent.agent.divergence import Divergence
from guestagent.agent.donor_record import DonorRecord, find_finished_entries
from guestagent.agent.refusal import Refusal
from guestagent.agent.server_id import derive_server_id
from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.metadata.document import (
    Document,
    JoiningReplica,
    Role,
    Seeding,
    Source,
    Tls,
    UnresolvedFunction,
)
from guestagent.metadata.variable_consistency import format_given_value


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The state that a document asks for. `max_lag` in seconds; `is_server_id_derived`: the agent chose the server id.

    `tls` None: encrypted if the source offers it. `retain_passwords`: replaced passwords stay valid in later
    generations. `requires_secure_transport`: the server rejects every login that is not encrypted. `seeding`: how an
    empty replica gets its data. `joining_replicas`: those that a source seeds, also with methods that need no account.
    """

    role: Role
    server_id: int | UnresolvedFunction
    is_server_id_derived: bool = False
    accounts: tuple[DesiredAccount, ...] = ()
    source: Source | None = None
    max_lag: int = 10
    tls: Tls | None = None
    retain_passwords: bool = False
    requires_secure_transport: bool = False
    seeding: Seeding = field(default_factory=Seeding)
    joining_replicas: tuple[JoiningReplica, ...] = ()

    @classmethod
    def from_document(cls, document: Document, dialect: SqlDialect, address: str | None) -> DesiredState:
        """Translate `document` for a server of this dialect at `address` (None: not known, in a dry run)."""
        section = document.section
        secure_transport = format_given_value(section.variables, "require_secure_transport")
        return cls(
            role=document.role,
            server_id=section.server_id if section.server_id is not None else derive_server_id(address),
            is_server_id_derived=section.server_id is None,
            accounts=tuple(list_desired_accounts(document, dialect)),
            source=document.source,
            max_lag=section.max_lag,
            tls=section.tls,
            retain_passwords=section.retain_passwords,
            requires_secure_transport=secure_transport == "ON",
            seeding=section.seeding,
            joining_replicas=list_joining_replicas(document),
        )

    @property
    def needs_clone_plugin(self) -> bool:
        """Whether a replica is to be seeded by CLONE."""
        return any(each.purpose is AccountPurpose.CLONE for each in self.accounts)

    def remove_finished_seeds(self, records: Iterable[DonorRecord]) -> DesiredState:
        """Return the state without the accounts of seeds that are over."""
        finished = find_finished_entries(records)
        accounts = tuple(each for each in self.accounts if each.seed not in finished)
        return self if len(accounts) == len(self.accounts) else replace(self, accounts=accounts)


@dataclass(frozen=True, slots=True)
class ObservedState:
    """The observed state of the local server and its source, and what earlier observations of the same work add to it.

    `source` is what a replica sees of its source; `target_history` the source's history that must be contained, noted
    when verification began. `login_errors`: the result of a TCP login as each managed account (None: it worked);
    accounts that were not tried are absent.
    `retried_errors`: numbers of the errors after which this work has started the channel. If one comes again, it stays.
    `lost_journal`: the files of a journal that cannot be read, "" if none is lost.
    `divergence`: the recorded divergence from this source, which forbids to replicate from it.
    `comparison_pending_reason`: why the binary logs must still be compared with those that the source has written since
    its restart, "" if they need not; `comparison_impossible_reason`: why that is not possible.
    """

    server: ServerState
    source: SourceState | None = None
    target_history: GtidHistory | None = None
    login_errors: Mapping[Account, ServerError | None] = field(default_factory=dict)
    retried_errors: frozenset[int] = frozenset()
    lost_journal: str = ""
    divergence: Divergence | None = None
    comparison_pending_reason: str = ""
    comparison_impossible_reason: str = ""

    @property
    def source_history(self) -> GtidHistory | None:
        return None if self.source is None else self.source.history


class ConditionState(IntEnum):
    """The state of a condition, the worst first."""

    FINAL = 0
    PENDING = 1
    HELD = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Condition:
    """One requirement of a ready node: the expected and the actual value, and advice for a person if they differ."""

    name: str
    state: ConditionState
    expected: str
    actual: str
    advice: str = ""

    @classmethod
    def from_refusal(cls, refusal: Refusal) -> Condition:
        return cls(refusal.name, ConditionState.FINAL, refusal.expected, refusal.actual, refusal.advice)

    @classmethod
    def compare(cls, name: str, expected: str, actual: str) -> Condition:
        """Build a condition that holds if both values are equal."""
        state = ConditionState.HELD if expected == actual else ConditionState.PENDING
        return cls(name, state, expected, actual)

    def __str__(self) -> str:
        text = f"{self.name}: expected {self.expected}, found {self.actual}"
        return f"{text}; {self.advice}" if self.advice and self.state is not ConditionState.HELD else text


@dataclass(frozen=True, slots=True)
class Readiness:
    """All conditions, the worst first; among equals the one that explains the others first."""

    conditions: tuple[Condition, ...]

    @classmethod
    def from_conditions(cls, *conditions: Condition) -> Readiness:
        return cls(tuple(sorted(conditions, key=lambda condition: condition.state)))

    @property
    def is_ready(self) -> bool:
        return all(condition.state is ConditionState.HELD for condition in self.conditions)

    @property
    def is_final(self) -> bool:
        return self.worst_condition.state is ConditionState.FINAL

    @property
    def worst_condition(self) -> Condition:
        return self.conditions[0]
