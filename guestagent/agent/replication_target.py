"""The target of a replica's channel: which server, which user, and how it is encrypted. Pure."""

from __future__ import annotations

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.database import channel_tls
from guestagent.database.state import ChannelState, TlsOptions
from guestagent.metadata.document import Source, UnresolvedFunction

LOGIN_REFUSED_ERRORS = frozenset({1045, 1698})
"""In both families: the name, the host or the password."""


def choose_channel_tls(desired: DesiredState, observed: ObservedState) -> TlsOptions:
    """Choose the encryption of the channel.

    If the document leaves it to the source, the channel uses what the source was observed to offer. Before that, an
    existing channel stays as it is, and a new one requires TLS: clear text needs a source that offers nothing else.
    """
    if desired.tls is not None:
        return channel_tls.build_tls_options(desired.tls, observed.server.data_directory)
    if observed.source is not None and observed.source.error is None:
        return TlsOptions(is_enabled=bool(observed.source.tls))
    channel = observed.server.channel
    return channel.tls if channel is not None else TlsOptions(is_enabled=True)


def has_different_target(
    channel: ChannelState, source: Source, tls: TlsOptions, memory: JournalState
) -> bool:
    """Return whether the channel has to be repointed.

    The server does not show its channel's password: the journal's fingerprint stands for it.
    """
    endpoint, password = channel.endpoint, source.user.password
    has_endpoint = (endpoint.host, endpoint.port, endpoint.user) == (
        source.address,
        source.port,
        source.user.name,
    )
    has_password = (
        memory.channel is not None
        and not isinstance(password, UnresolvedFunction)
        and memory.channel.is_match(password)
    )
    has_options = channel.uses_gtid and channel.tls == tls and not channel.unexpected_options
    return not (has_endpoint and has_options and has_password)
