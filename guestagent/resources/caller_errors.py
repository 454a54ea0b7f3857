"""Turns invalid input, and errors of the store and the cloud, into the refusals that a caller may know of."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.errors import (
    CloudError,
    CloudRefused,
    CloudRequestRefused,
    InvalidOrder,
    OrderRefused,
    StorageError,
)
from guestagent.resources.operation import INVALID_REQUEST, RefusalCode
from guestagent.resources.store.unreadable_record import UnreadableRecord

LOG = logging.getLogger(__name__)
FORBIDDEN_STATUSES = frozenset({401, 403})


@contextmanager
def refuse_on_errors() -> Iterator[None]:
    """Raise OrderRefused in place of other errors. What is wrong with the whole store is logged only."""
    try:
        yield
    except InvalidOrder as error:
        raise OrderRefused(RefusalCode.INVALID, INVALID_REQUEST, error.problems) from error
    except UnreadableRecord as error:
        raise OrderRefused(RefusalCode.ATTENTION, str(error)) from error
    except StorageError as error:
        reference = secrets.token_hex(4)
        LOG.error("the store cannot be used (reference %s): %s", reference, error)
        message = "the store of orders cannot be used now"
        raise OrderRefused(RefusalCode.BUSY, message, reference=reference) from error
    except CloudError as error:
        raise OrderRefused(_choose_code(error), str(error)) from error


def _choose_code(error: CloudError) -> RefusalCode:
    if isinstance(error, CloudRequestRefused):
        return RefusalCode(error.code)
    if not isinstance(error, CloudRefused):
        return RefusalCode.CLOUD_UNREACHABLE
    is_forbidden = getattr(error.__cause__, "http_status", None) in FORBIDDEN_STATUSES
    return RefusalCode.FORBIDDEN if is_forbidden else RefusalCode.REFUSED
