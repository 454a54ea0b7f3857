"""How a replica's channel should lead: where, as whom, and how encrypted. Pure."""

from __future__ import annotations

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.database import channel_certificates
from guestagent.database.state import ChannelState, ReceiverState, ServerState, TlsOptions
from guestagent.database.steps import PointChannel
from guestagent.metadata.document import Source, UnresolvedFunction

LOGIN_REFUSED_ERRORS = frozenset({1045, 1698})
"""In both families: the name, the host or the password."""


def choose_channel_tls(desired: DesiredState, observed: ObservedState, server: ServerState) -> TlsOptions:
    """How the channel should be encrypted.

    Where the document leaves that to the source, it is what a look at the source found. Before there was one a
    channel stays as it is, and a new one asks for TLS: clear text takes a source that was seen to offer nothing else.
    """
    if desired.tls is not None:
        return channel_certificates.build_tls_options(desired.tls, server.data_directory)
    if observed.source is not None and observed.source.error is None:
        return TlsOptions(is_enabled=bool(observed.source.tls))
    return server.channel.tls if server.channel is not None else TlsOptions(is_enabled=True)


def has_different_target(
    channel: ChannelState, source: Source, tls: TlsOptions, memory: JournalState
) -> bool:
    """Whether the channel has to be pointed anew.

    The server does not show its channel's password: the journal's fingerprint stands for it.
    """
    endpoint, password = channel.endpoint, source.user.password
    same_way = (endpoint.host, endpoint.port, endpoint.user) == (
        source.address,
        source.port,
        source.user.name,
    )
    known = (
        memory.channel is not None
        and not isinstance(password, UnresolvedFunction)
        and memory.channel.is_match(password)
    )
    return not (
        same_way and channel.uses_gtid and known and channel.tls == tls and not channel.unexpected_options
    )


def is_locked_out(channel: ChannelState, observed: ObservedState) -> bool:
    """Whether the receiver is refused where our look was let in: it has another password, which no server shows.

    Once a work: where pointing it anew did not help, the reason is another one.
    """
    error, seen = channel.receiver_error, observed.source
    if (
        channel.receiver is not ReceiverState.CONNECTING
        or error is None
        or seen is None
        or seen.history is None
    ):
        return False
    return error.number in LOGIN_REFUSED_ERRORS and error.number not in observed.retried_errors


def build_channel_step(source: Source, tls: TlsOptions) -> PointChannel:
    """The step that makes the channel lead so."""
    return PointChannel(
        host=source.address,
        port=source.port,
        user=source.user.name,
        password=source.user.password,
        tls=tls.is_enabled,
        tls_ca=tls.ca or None,
        tls_verify=tls.verify,
        tls_certificate=tls.certificate or None,
        tls_key=tls.key or None,
    )
