"""How long a signal is retried after each kind of error. A value and a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.errors import HandleUnreachable, SignalError
from guestagent.metadata.limits import DEFAULT_AUTH_TTL_S
from guestagent.retry import Backoff
from guestagent.signal.responses import HandleBroken, HandleDoubted

SIGNAL_RETRY = Backoff(initial_s=0.5, max_s=30.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The time limits of a signal, in seconds. Without a connection it is retried for ever.

    `attempt_timeout_s` limits one request. `doubt_timeout_s` limits the retries after 401 and 403: a starting Keystone
    and a wrong clock cause them, too. `url_lifetime_s` is Keystone's auth_ttl. A 5xx is retried for ever while the URL
    may be valid, and for `server_error_timeout_s` afterwards: Heat 27 returns 500 for a deleted handle.
    """

    backoff: Backoff = SIGNAL_RETRY
    attempt_timeout_s: float = 20.0
    doubt_timeout_s: float = 120.0
    url_lifetime_s: float = DEFAULT_AUTH_TTL_S
    server_error_timeout_s: float = 3600.0

    def is_permanent(self, error: SignalError, duration_s: float, url_age_s: float | None) -> bool:
        """Whether another attempt is pointless after `duration_s` seconds of only this kind of error.

        `url_age_s` is the time since the URL was signed, or None if that is not known or nothing is signed.
        """
        if isinstance(error, HandleDoubted):
            return duration_s >= self.doubt_timeout_s
        if isinstance(error, HandleBroken):
            is_expired = url_age_s is not None and url_age_s > self.url_lifetime_s
            return is_expired and duration_s >= self.server_error_timeout_s
        return not isinstance(error, HandleUnreachable)
