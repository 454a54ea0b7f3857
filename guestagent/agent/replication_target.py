"""The target of a replica's channel: which server, which user, and how it is encrypted. Pure."""

from __future__ import annotations

from guestagent.agent.model import DesiredState, ObservedState
from guestagent.database import channel_tls
from guestagent.database.state import TlsOptions

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
