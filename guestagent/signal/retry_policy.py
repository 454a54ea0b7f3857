"""How long a signal is tried again, by what the failure says. A value and a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.errors import HandleUnreachable, SignalError
from guestagent.retry import Backoff
from guestagent.signal.credential_expiry import AUTH_TTL_S
from guestagent.signal.responses import HandleBroken, HandleDoubted

SIGNAL_RETRY = Backoff(initial_s=0.5, max_s=30.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """All in seconds. Without a connection it is tried for ever. `attempt`: what one request may take.

    `grace`: how long doubted answers (401, 403) are tried: a Keystone at its start or a wrong clock gives them.
    `lifetime`: Keystone's auth_ttl. A 5xx is tried for ever while the URL may live; once it is older, for
    `patience` more: Heat 27 says 500 where the handle is gone.
    """

    backoff: Backoff = SIGNAL_RETRY
    attempt_timeout_s: float = 20.0
    doubt_timeout_s: float = 120.0
    url_lifetime_s: float = AUTH_TTL_S
    server_error_timeout_s: float = 3600.0

    def is_permanent(self, error: SignalError, lasted: float, age: float | None) -> bool:
        """Whether no further attempt is worth it, after `lasted` seconds of errors of this kind alone.

        `age`: seconds since the URL was signed, None where that is not known or nothing is signed.
        """
        if isinstance(error, HandleDoubted):
            return lasted >= self.doubt_timeout_s
        if isinstance(error, HandleBroken):
            return age is not None and age > self.url_lifetime_s and lasted >= self.server_error_timeout_s
        return not isinstance(error, HandleUnreachable)
