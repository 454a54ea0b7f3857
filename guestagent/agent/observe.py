"""Looks that a pass, a dry run and the doctor take alike: at the source, at the accounts, at the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.login_proofs import LoginProofs, describe_circumstances
from guestagent.agent.model import DesiredAccount, DesiredState, ObservedState
from guestagent.agent.plan import is_configuration_forbidden
from guestagent.agent.server_config import ConfigurationSnapshot
from guestagent.database.driver import UNREACHABLE_ERRORS
from guestagent.database.protocols import Database, SourceProbe
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.metadata.document import Document, Source, Tls, UnresolvedFunction

UNANSWERED_LOGINS_LIMIT = 3
"""Logins without an answer after which a pass tries no more: each may take as long as its timeout."""


def observe_source(view: SourceProbe, source: Source, tls: Tls | None) -> SourceState | None:
    """What the replication account sees of the source; None where the document is not resolved."""
    user, password = source.user, source.user.password
    if isinstance(password, UnresolvedFunction):
        return None
    if tls is not None and any(
        isinstance(each, UnresolvedFunction) for each in (tls.ca, tls.certificate, tls.key)
    ):
        return None
    return view.probe(str(source.address), source.port, str(user.name), password, tls)


def try_logins(
    view: SourceProbe,
    desired: DesiredState,
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
    for account in proofs.choose_logins(circumstances, now):
        password = testable[account].password
        assert not isinstance(password, UnresolvedFunction)
        if len(unanswered) == UNANSWERED_LOGINS_LIMIT:
            yield account, unanswered[-1]
            continue
        error = view.try_login(address, server.port, account.name, password, tls)
        proofs.record_login(account, circumstances[account], has_worked=error is None, now=now)
        if error is not None and error.number in UNREACHABLE_ERRORS:
            unanswered.append(error)
        yield account, error


def _is_testable(wanted: DesiredAccount, server: ServerState) -> bool:
    has_password = not wanted.requires_certificate and not isinstance(wanted.password, UnresolvedFunction)
    return has_password and server.find_account(wanted.account) is not None


def observe_configuration(
    document: Document,
    desired: DesiredState,
    observed: ObservedState,
    database: Database,
    edges: PassDependencies,
) -> ConfigurationSnapshot | None:
    """How the server's configuration stands; None where it is not ours, or the server must not be touched."""
    ours, server, server_id = edges.configuration, observed.server, desired.server_id
    if ours is None or server is None or isinstance(server_id, UnresolvedFunction):
        return None
    if is_configuration_forbidden(desired, observed):
        return None
    # A source lists its replicas by this name.
    towards = "" if document.source is None else str(document.source.address)
    host = document.section.node or edges.find_own_address(towards) or ""
    return ours.observe(database, server.version, server_id, host, document.section)
