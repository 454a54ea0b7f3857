"""The agent's own values: what is wanted, what was seen, and how far the two agree. Frozen, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv6Address, ip_address

from guestagent.agent.divergence import Divergence
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.metadata.consistency_checks import format_given_value
from guestagent.metadata.document import Document, Role, Source, Tls, UnresolvedFunction, User
from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class DesiredAccount:
    """An account that the document wants. `tls`, `certificate`: what it shall demand of whoever logs in."""

    account: Account
    password: Secret | UnresolvedFunction
    requires_tls: bool = False
    requires_certificate: bool = False


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What a document asks of this server. `max_lag` in seconds; `derived`: the server id is our choice.

    `tls` None: encrypted where the source offers it. `retain`: replaced passwords stay valid whatever the generation.
    `rejects_clear`: the server shall reject every login that is not encrypted.
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

    @classmethod
    def from_document(cls, document: Document, dialect: SqlDialect, address: str | None) -> DesiredState:
        """What `document` means for a server of this dialect at `address` (None: not known, a dry run)."""
        section = document.section
        hosts = dialect.list_host_patterns(None if section.network is None else str(section.network))
        return cls(
            role=document.role,
            server_id=section.server_id if section.server_id is not None else derive_server_id(address),
            is_server_id_derived=section.server_id is None,
            accounts=tuple(_account(user, host, section.tls) for user in document.users for host in hosts),
            source=document.source,
            max_lag=section.max_lag,
            tls=section.tls,
            retain_passwords=section.retain_passwords,
            requires_secure_transport=format_given_value(section.variables, "require_secure_transport")
            == "ON",
        )


def derive_server_id(address: str | None) -> int | UnresolvedFunction:
    """A server id from the node's own address: an IPv4 one is it, of an IPv6 one a hash of the whole."""
    if address is None:
        return UnresolvedFunction("this node's address", "")
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        # Its last bits may be alike in every subnet, and its first ones are alike in one.
        return int.from_bytes(hashlib.sha256(parsed.packed).digest()[:4], "big") or 1
    return int(parsed) or 1


def _account(user: User, host: str, tls: Tls | None) -> DesiredAccount:
    return DesiredAccount(
        account=Account(str(user.name), host),
        password=user.password,
        requires_tls=tls is not None and tls.required,
        requires_certificate=tls is not None and tls.client_certificates,
    )


@dataclass(frozen=True, slots=True)
class ObservedState:
    """One look. `server` None: it did not answer, and `silence` says how.

    `source` is what a replica sees of its source; `target` the source's history that must be contained, noted when
    verification began. `logins`: what a TCP login as each managed account said (None: it worked); absent: not tried.
    `started`: numbers of the errors after which this work has started the channel: what comes again is there to stay.
    `lost_journal`: the files of a journal that cannot be read, "" if none is lost.
    `parting`: what the journal knows of this source that forbids to follow it.
    `uncompared`: why the binary logs must still be compared with those of the source's present life, "" if they need
    not; `incomparable`: why that is not possible.
    """

    server: ServerState | None
    unreachable_reason: str = ""
    source: SourceState | None = None
    target_history: GtidHistory | None = None
    login_errors: Mapping[Account, ServerError | None] = field(default_factory=dict)
    retried_errors: frozenset[int] = frozenset()
    lost_journal: str = ""
    divergence: Divergence | None = None
    comparison_pending_reason: str = ""
    comparison_impossible_reason: str = ""


class ConditionState(IntEnum):
    """How a condition stands, the worst first."""

    FINAL = 0
    PENDING = 1
    HELD = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold: what was wanted, what is seen, and what a person can do where it does not."""

    name: str
    state: ConditionState
    expected: str
    actual: str
    advice: str = ""

    def __str__(self) -> str:
        said = f"{self.name}: wanted {self.expected}, seen {self.actual}"
        return f"{said}; {self.advice}" if self.advice and self.state is not ConditionState.HELD else said


@dataclass(frozen=True, slots=True)
class Readiness:
    """Every condition, the worst first; among equals the one that explains the others first."""

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
