"""How a channel differs from the desired one, so that it has to be repointed. Pure."""

from __future__ import annotations

from guestagent.agent.journal_state import JournalState
from guestagent.database.state import ChannelState, TlsOptions
from guestagent.metadata.document import Source, UnresolvedFunction


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
