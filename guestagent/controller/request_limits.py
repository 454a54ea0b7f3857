"""How long a request to a cloud may take. Pure: the store of orders builds its leases on it, without the SDK."""

from __future__ import annotations

REQUEST_TIMEOUT_S = 60.0
"""Seconds without a byte after which a request counts as unanswered."""
REQUEST_LIMIT_FACTOR = 2
"""Times its timeout that a request takes at most, with its login, its lookup in the catalog and the whole response."""
REQUEST_LIMIT_S = REQUEST_LIMIT_FACTOR * REQUEST_TIMEOUT_S
"""Seconds after which a request has ended, whatever happens."""
