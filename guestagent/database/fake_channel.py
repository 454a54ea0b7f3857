"""The channel of the server in memory: its state after each step. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerError
from guestagent.database.steps import PointChannel, StartChannel
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import UnresolvedFunction

T = TypeVar("T")


def point_channel(channel: ChannelState | None, step: PointChannel) -> ChannelState:
    """Return the stopped channel to the source of a step. DatabaseRefused if it is running."""
    if channel is not None and not channel.is_stopped:
        raise DatabaseRefused(str(step), 1198, "This operation cannot be performed")
    endpoint = Endpoint(require_value(step.host), step.port, require_value(step.user), step.tls)
    return ChannelState(endpoint, True, ReceiverState.STOPPED, is_applier_running=False, tls=step.tls_options)


def stop_channel(channel: ChannelState | None) -> ChannelState | None:
    """Return the channel after STOP SLAVE, which succeeds without a channel too."""
    if channel is None:
        return None
    return replace(channel, receiver=ReceiverState.STOPPED, is_applier_running=False, lag=None)


def start_channel(channel: ChannelState | None, receiver_error: ServerError | None) -> ChannelState:
    """Return the channel after START SLAVE: running, or connecting if the receiver has an error."""
    if channel is None:
        raise DatabaseRefused(str(StartChannel()), 1200, "Misconfigured slave: MASTER_HOST was not set")
    if receiver_error is not None:
        return replace(
            channel,
            receiver=ReceiverState.CONNECTING,
            is_applier_running=True,
            receiver_error=receiver_error,
        )
    return replace(
        channel,
        receiver=ReceiverState.RUNNING,
        is_applier_running=True,
        lag=0,
        receiver_error=None,
        applier_error=None,
    )


def require_value(value: T | UnresolvedFunction) -> T:
    """Return the value. TypeError for an unresolved template function."""
    if isinstance(value, UnresolvedFunction):
        raise TypeError(f"the template function {value} has no value yet")
    return value
