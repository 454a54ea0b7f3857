"""Looks at the source, the accounts and the configuration that a pass, a dry run and the doctor share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.login_proofs import LoginProofs, describe_circumstances
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.preconditions import (
    find_refusal,
    is_configuration_forbidden,
    name_missing_option_file,
)
from guestagent.agent.refusal import Refusal
from guestagent.agent.server_config import ConfigurationSnapshot
from guestagent.database.connection_errors import UNREACHABLE_ERRORS
from guestagent.database.protocols import Database, SourceProbe
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.metadata.document import Document, Source, Tls, UnresolvedFunction

UNANSWERED_LOGINS_LIMIT = 3
"""Logins without an answer after which a pass tries no more: each may take as long as its timeout."""


def observe_source(probe: SourceProbe, source: Source, tls: Tls | None) -> SourceState | None:
    """Return what the replication account sees of the source; None if the document is not resolved."""
    user, password = source.user, source.user.password
    if isinstance(password, UnresolvedFunction):
        return None
    if tls is not None and any(
        isinstance(value, UnresolvedFunction) for value in (tls.ca, tls.certificate, tls.key)
    ):
        return None
    return probe.probe(str(source.address), source.port, str(user.name), password, tls)


def try_logins(
    probe: SourceProbe,
    desired: DesiredState,
    server: ServerState,
    address: str | None,
    network: IPv4Network | IPv6Network | None,
    proofs: LoginProofs | None = None,
    server_instance: object = None,
    now: float = 0.0,
) -> Iterator[tuple[Account, ServerError | None]]:
    """Try a login as each managed account, if the accounts admit this node's own `address`.

    The certificate's name is not verified: that is for the replicas, as is a client certificate. A login that is known
    from `proofs` is left out; `server_instance` differs after each restart of the server.
    """
    tls = None if desired.tls is None else replace(desired.tls, verify=False)
    if address is None or (network is not None and ip_address(address) not in network):
        return
    proofs = proofs or LoginProofs()
    accounts = {each.account: each for each in desired.accounts if _can_be_tried(each, server)}
    circumstances = describe_circumstances(accounts.values(), server, address, tls, server_instance)
    unanswered: list[ServerError] = []
    for account in proofs.choose_logins(circumstances, now):
        password = accounts[account].password
        assert not isinstance(password, UnresolvedFunction)
        if len(unanswered) == UNANSWERED_LOGINS_LIMIT:
            yield account, unanswered[-1]
            continue
        error = probe.try_login(address, server.port, account.name, password, tls)
        proofs.record_login(account, circumstances[account], has_worked=error is None, now=now)
        if error is not None and error.number in UNREACHABLE_ERRORS:
            unanswered.append(error)
        yield account, error


def _can_be_tried(desired: DesiredAccount, server: ServerState) -> bool:
    has_password = not desired.requires_certificate and not isinstance(desired.password, UnresolvedFunction)
    return has_password and server.find_account(desired.account) is not None


def find_node_refusal(
    desired: DesiredState, observed: ObservedState, dependencies: PassDependencies
) -> Refusal | None:
    """Return the reason why this server must not be changed, with the option file that is missing on this machine."""
    refusal, configuration = find_refusal(desired, observed), dependencies.configuration
    if refusal is None or configuration is None:
        return refusal
    return name_missing_option_file(refusal, configuration.find_missing_file(observed.server.history.family))


def observe_configuration(
    document: Document,
    desired: DesiredState,
    server: ServerState,
    refusal: Refusal | None,
    database: Database,
    dependencies: PassDependencies,
) -> ConfigurationSnapshot | None:
    """Compare the server's configuration with the desired one; None if the agent must not manage it."""
    configuration, server_id = dependencies.configuration, desired.server_id
    if configuration is None or isinstance(server_id, UnresolvedFunction):
        return None
    if is_configuration_forbidden(refusal, server):
        return None
    # A source lists its replicas by this name.
    peer = "" if document.source is None else str(document.source.address)
    host = document.section.node or dependencies.find_own_address(peer) or ""
    return configuration.observe(database, server.version, server_id, host, document.section)
