"""The accounts that a source's document asks for: of replication, of donors and of verification. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guestagent.agent.donor_record import DonorEntry
from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import Account
from guestagent.metadata.document import Document, JoiningReplica, Role, Section, UnresolvedFunction, User
from guestagent.secret import Secret

DONOR_PURPOSES: Mapping[tuple[str, str], AccountPurpose] = {
    ("mysql", "auto"): AccountPurpose.CLONE,
    ("mysql", "clone"): AccountPurpose.CLONE,
    ("mysql", "dump"): AccountPurpose.DUMP,
    ("mariadb", "dump"): AccountPurpose.DUMP,
}
"""The purpose of a donor account by family and method. The other methods log in to no server."""


@dataclass(frozen=True, slots=True)
class DesiredAccount:
    """An account that the document asks for, and the encryption that it requires of a login.

    `seed`: the entry of a donor account, which is not desired any more when the seed is over.
    """

    account: Account
    password: Secret | UnresolvedFunction
    requires_tls: bool = False
    requires_certificate: bool = False
    purpose: AccountPurpose = AccountPurpose.REPLICATION
    seed: DonorEntry | None = None


def list_desired_accounts(document: Document, dialect: SqlDialect) -> Iterator[DesiredAccount]:
    """List all accounts of a source's document, also those of seeds that are over. A replica's asks for none."""
    if document.role is not Role.SOURCE:
        return
    section = document.section
    for user in document.users:
        yield from _list_accounts(user, section, dialect, AccountPurpose.REPLICATION)
    for replica in list_joining_replicas(document):
        purpose = DONOR_PURPOSES.get((dialect.family, replica.method))
        if purpose is not None:
            seed = DonorEntry.from_replica(replica)
            yield from _list_accounts(replica.user, section, dialect, purpose, seed)
    if section.verification is not None:
        yield from _list_accounts(section.verification, section, dialect, AccountPurpose.VERIFICATION)


def list_joining_replicas(document: Document) -> tuple[JoiningReplica, ...]:
    """List the replicas that a source seeds."""
    donor = document.section.donor
    return () if donor is None or document.role is not Role.SOURCE else donor.replicas


def _list_accounts(
    user: User, section: Section, dialect: SqlDialect, purpose: AccountPurpose, seed: DonorEntry | None = None
) -> Iterator[DesiredAccount]:
    tls = section.tls
    network = section.network if user.network is None else user.network
    for host in dialect.list_host_patterns(None if network is None else str(network)):
        yield DesiredAccount(
            account=Account(str(user.name), host),
            password=user.password,
            requires_tls=tls is not None and tls.required,
            requires_certificate=tls is not None and tls.client_certificates,
            purpose=purpose,
            seed=seed,
        )
