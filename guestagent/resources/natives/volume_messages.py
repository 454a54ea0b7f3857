"""What Cinder's messages tell about a volume. Pure.

They stay for 30 days, so a message belongs to a failure only if it has the name of the request that has failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guestagent.resources.operation import RefusalCode

NO_BACKEND_TEXT = "Could not find any available weighted backend"
NO_REASON = "Cinder gives no reason"


@dataclass(frozen=True, slots=True)
class CloudMessage:
    """A message of Cinder about a volume. `request_id` is the service's name for the request that has failed."""

    text: str
    request_id: str = ""


def join_messages(messages: Iterable[CloudMessage]) -> str:
    """Join messages, the oldest first, each text once.

    After a driver's own reason there are those of the scheduler, which found no other backend to try.
    """
    return "; ".join(dict.fromkeys(message.text for message in messages))


def find_failure(messages: Iterable[CloudMessage], request_id: str) -> str:
    """Return why a request has failed; "" if no message is of it."""
    return join_messages(message for message in messages if request_id and message.request_id == request_id)


def choose_failure_code(reason: str) -> RefusalCode:
    """Return the code of an order that ends for a reason of Cinder."""
    return RefusalCode.NO_CAPACITY if NO_BACKEND_TEXT in reason else RefusalCode.REFUSED
