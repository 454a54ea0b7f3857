"""The edge to Heat: what is said to a wait condition's handle, kept until it has been heard."""

from guestagent.signal.answers import HandleBroken, HandleDoubted
from guestagent.signal.fake import FakeHandle
from guestagent.signal.handle import Target, handle_url, key, target
from guestagent.signal.payload import Outcome, Status, body
from guestagent.signal.policy import Policy
from guestagent.signal.sender import Delivery, End, Sender, worth_saying
from guestagent.signal.spool import Entry, Record, Said, Spool
from guestagent.signal.transports import CfnTransport, Transport, Web, transport_to

__all__ = [
    "CfnTransport",
    "Delivery",
    "End",
    "Entry",
    "FakeHandle",
    "HandleBroken",
    "HandleDoubted",
    "Outcome",
    "Policy",
    "Record",
    "Said",
    "Sender",
    "Spool",
    "Status",
    "Target",
    "Transport",
    "Web",
    "body",
    "handle_url",
    "key",
    "target",
    "transport_to",
    "worth_saying",
]
