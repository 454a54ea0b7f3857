"""How long a signal is tried again, by what the failure says. A value and a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.errors import HandleUnreachable, SignalError
from guestagent.retry import Backoff
from guestagent.signal.answers import HandleBroken, HandleDoubted
from guestagent.signal.expiry import AUTH_TTL

WAIT = Backoff(first=0.5, most=30.0)


@dataclass(frozen=True, slots=True)
class Policy:
    """All in seconds. Without a connection it is tried for ever. `attempt`: what one request may take.

    `grace`: how long doubted answers (401, 403) are tried: a Keystone at its start or a wrong clock gives them.
    `lifetime`: Keystone's auth_ttl. A 5xx is tried for ever while the URL may live; once it is older, for
    `patience` more: Heat 27 says 500 where the handle is gone.
    """

    wait: Backoff = WAIT
    attempt: float = 20.0
    grace: float = 120.0
    lifetime: float = AUTH_TTL
    patience: float = 3600.0

    def hopeless(self, error: SignalError, lasted: float, age: float | None) -> bool:
        """Whether no further attempt is worth it, after `lasted` seconds of errors of this kind alone.

        `age`: seconds since the URL was signed, None where that is not known or nothing is signed.
        """
        if isinstance(error, HandleDoubted):
            return lasted >= self.grace
        if isinstance(error, HandleBroken):
            return age is not None and age > self.lifetime and lasted >= self.patience
        return not isinstance(error, HandleUnreachable)
