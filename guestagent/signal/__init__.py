"""The edge to Heat: what is said to a wait condition's handle, kept until it has been heard."""

from guestagent.signal.answers import HandleBroken, HandleDoubted
from guestagent.signal.expiry import AUTH_TTL, Expiry, expiry
from guestagent.signal.fake import FakeHandle
from guestagent.signal.handle import (
    Account,
    Bearer,
    Kind,
    Presigned,
    Target,
    handle_url,
    key,
    resource_key,
    target,
)
from guestagent.signal.payload import Outcome, Status, body
from guestagent.signal.policy import Policy
from guestagent.signal.sender import Delivery, End, Sender, worth_saying
from guestagent.signal.spool import Entry, Record, Said, Spool
from guestagent.signal.transports import (
    CfnTransport,
    HeatTransport,
    TokenTransport,
    Transport,
    transport_to,
)
from guestagent.signal.web import Web

__all__ = [
    "AUTH_TTL",
    "Account",
    "Bearer",
    "CfnTransport",
    "Delivery",
    "End",
    "Entry",
    "Expiry",
    "FakeHandle",
    "HandleBroken",
    "HandleDoubted",
    "HeatTransport",
    "Kind",
    "Outcome",
    "Policy",
    "Presigned",
    "Record",
    "Said",
    "Sender",
    "Spool",
    "Status",
    "Target",
    "TokenTransport",
    "Transport",
    "Web",
    "body",
    "expiry",
    "handle_url",
    "key",
    "resource_key",
    "target",
    "transport_to",
    "worth_saying",
]
