"""Signals to Heat's wait condition handles, stored until the handle has accepted them."""

from guestagent.signal.credential_expiry import Expiry, find_expiry
from guestagent.signal.fake import FakeHandle
from guestagent.signal.handle import (
    CfnTarget,
    HeatTarget,
    SignalTarget,
    SignalTransport,
    TokenTarget,
    build_resource_key,
    build_signal_key,
    find_handle_url,
    resolve_target,
)
from guestagent.signal.http_client import HttpOptions
from guestagent.signal.payload import SignalOutcome, SignalStatus, build_body, is_worth_sending
from guestagent.signal.record import DeliveryRecord, SignalRecord, SpoolEntry
from guestagent.signal.responses import HandleBroken, HandleDoubted
from guestagent.signal.retry_policy import RetryPolicy
from guestagent.signal.sender import Delivery, DeliveryResult, Sender
from guestagent.signal.spool import Spool
from guestagent.signal.transports import (
    CfnTransport,
    HeatTransport,
    TokenTransport,
    Transport,
    build_transport,
)

__all__ = [
    "CfnTarget",
    "CfnTransport",
    "Delivery",
    "DeliveryRecord",
    "DeliveryResult",
    "Expiry",
    "FakeHandle",
    "HandleBroken",
    "HandleDoubted",
    "HeatTarget",
    "HeatTransport",
    "HttpOptions",
    "RetryPolicy",
    "Sender",
    "SignalOutcome",
    "SignalRecord",
    "SignalStatus",
    "SignalTarget",
    "SignalTransport",
    "Spool",
    "SpoolEntry",
    "TokenTarget",
    "TokenTransport",
    "Transport",
    "build_body",
    "build_resource_key",
    "build_signal_key",
    "build_transport",
    "find_expiry",
    "find_handle_url",
    "is_worth_sending",
    "resolve_target",
]
