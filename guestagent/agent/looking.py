"""Looks that a pass, a dry run and the doctor take alike: at the source, at the accounts, at the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address

from guestagent.agent.configuration import Look
from guestagent.agent.edges import Edges
from guestagent.agent.login_proofs import LoginProofs, describe_circumstances
from guestagent.agent.model import Desired, Observed, WantedAccount
from guestagent.agent.plan import must_not_be_configured
from guestagent.database.connection import SILENT
from guestagent.database.edge import Database, SourceView
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.metadata.document import Document, Source, Tls, Unresolved

UNANSWERED_LIMIT = 3
"""Logins without an answer after which a pass tries no more: each may take as long as its timeout."""


def look(view: SourceView, source: Source, tls: Tls | None) -> SourceState | None:
    """What the replication account sees of the source; None where the document is not resolved."""
    user, password = source.user, source.user.password
    if isinstance(password, Unresolved):
        return None
    if tls is not None and any(isinstance(each, Unresolved) for each in (tls.ca, tls.certificate, tls.key)):
        return None
    return view.look(str(source.address), source.port, str(user.name), password, tls)


def try_logins(
    view: SourceView,
    desired: Desired,
    server: ServerState,
    address: str | None,
    network: IPv4Network | IPv6Network | None,
    proofs: LoginProofs | None = None,
    life: object = None,
    now: float = 0.0,
) -> Iterator[tuple[Account, ServerError | None]]:
    """What a login as each managed account says, where our own `address` is one that it admits.

    The certificate's name is for the replicas to check, and one of our own for them to have. A login that is known from
    `proofs` is left out; `life` differs between two lives of the server.
    """
    tls = None if desired.tls is None else replace(desired.tls, verify=False)
    if address is None or (network is not None and ip_address(address) not in network):
        return
    proofs = proofs or LoginProofs()
    testable = {each.account: each for each in desired.accounts if _is_testable(each, server)}
    circumstances = describe_circumstances(testable.values(), server, address, tls, life)
    unanswered: list[ServerError] = []
    for account in proofs.choose(circumstances, now):
        password = testable[account].password
        assert not isinstance(password, Unresolved)
        if len(unanswered) == UNANSWERED_LIMIT:
            yield account, unanswered[-1]
            continue
        error = view.try_login(address, server.port, account.name, password, tls)
        proofs.note(account, circumstances[account], has_worked=error is None, now=now)
        if error is not None and error.number in SILENT:
            unanswered.append(error)
        yield account, error


def _is_testable(wanted: WantedAccount, server: ServerState) -> bool:
    has_password = not wanted.certificate and not isinstance(wanted.password, Unresolved)
    return has_password and server.account(wanted.account) is not None


def configured(
    document: Document, desired: Desired, observed: Observed, database: Database, edges: Edges
) -> Look | None:
    """How the server's configuration stands; None where it is not ours, or the server must not be touched."""
    ours, server, server_id = edges.configuration, observed.server, desired.server_id
    if ours is None or server is None or isinstance(server_id, Unresolved):
        return None
    if must_not_be_configured(desired, observed):
        return None
    # A source lists its replicas by this name.
    towards = "" if document.source is None else str(document.source.address)
    host = document.section.node or edges.address_towards(towards) or ""
    return ours.look(database, server.version, server_id, host, document.section)
