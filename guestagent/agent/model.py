"""The agent's own values: what is wanted, what was seen, and how far the two agree. Frozen, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv6Address, ip_address

from guestagent.agent.parting import Parting
from guestagent.database.edge import Dialect
from guestagent.database.gtid import History
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.metadata.contradictions import spell_given
from guestagent.metadata.document import Document, Role, Source, Tls, Unresolved, User
from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class WantedAccount:
    """An account that the document wants. `tls`, `certificate`: what it shall demand of whoever logs in."""

    account: Account
    password: Secret | Unresolved
    tls: bool = False
    certificate: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    """What a document asks of this server. `max_lag` in seconds; `derived`: the server id is our choice.

    `tls` None: encrypted where the source offers it. `retain`: replaced passwords stay valid whatever the generation.
    `rejects_clear`: the server shall reject every login that is not encrypted.
    """

    role: Role
    server_id: int | Unresolved
    derived: bool = False
    accounts: tuple[WantedAccount, ...] = ()
    source: Source | None = None
    max_lag: int = 10
    tls: Tls | None = None
    retain: bool = False
    rejects_clear: bool = False

    @classmethod
    def of(cls, document: Document, dialect: Dialect, address: str | None) -> Desired:
        """What `document` means for a server of this dialect at `address` (None: not known, a dry run)."""
        section = document.section
        hosts = dialect.host_patterns(None if section.network is None else str(section.network))
        return cls(
            role=document.role,
            server_id=section.server_id if section.server_id is not None else derived_server_id(address),
            derived=section.server_id is None,
            accounts=tuple(_account(user, host, section.tls) for user in document.users for host in hosts),
            source=document.source,
            max_lag=section.max_lag,
            tls=section.tls,
            retain=section.retain_passwords,
            rejects_clear=spell_given(section.variables, "require_secure_transport") == "ON",
        )


def derived_server_id(address: str | None) -> int | Unresolved:
    """A server id from the node's own address: an IPv4 one is it, of an IPv6 one a hash of the whole."""
    if address is None:
        return Unresolved("this node's address", "")
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        # Its last bits may be alike in every subnet, and its first ones are alike in one.
        return int.from_bytes(hashlib.sha256(parsed.packed).digest()[:4], "big") or 1
    return int(parsed) or 1


def _account(user: User, host: str, tls: Tls | None) -> WantedAccount:
    return WantedAccount(
        account=Account(str(user.name), host),
        password=user.password,
        tls=tls is not None and tls.required,
        certificate=tls is not None and tls.client_certificates,
    )


@dataclass(frozen=True, slots=True)
class Observed:
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
    silence: str = ""
    source: SourceState | None = None
    target: History | None = None
    logins: Mapping[Account, ServerError | None] = field(default_factory=dict)
    started: frozenset[int] = frozenset()
    lost_journal: str = ""
    parting: Parting | None = None
    uncompared: str = ""
    incomparable: str = ""


class Agreement(IntEnum):
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
    agreement: Agreement
    wanted: str
    seen: str
    do: str = ""

    def __str__(self) -> str:
        said = f"{self.name}: wanted {self.wanted}, seen {self.seen}"
        return f"{said}; {self.do}" if self.do and self.agreement is not Agreement.HELD else said


@dataclass(frozen=True, slots=True)
class Readiness:
    """Every condition, the worst first; among equals the one that explains the others first."""

    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, *conditions: Condition) -> Readiness:
        return cls(tuple(sorted(conditions, key=lambda condition: condition.agreement)))

    @property
    def ready(self) -> bool:
        return all(condition.agreement is Agreement.HELD for condition in self.conditions)

    @property
    def final(self) -> bool:
        return self.worst.agreement is Agreement.FINAL

    @property
    def worst(self) -> Condition:
        return self.conditions[0]
