"""Until when a handle can be expected to listen, from what its own credential tells. Pure.

It is Keystone that decides, by settings that a guest cannot see: so every expectation says what it rests on.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Handle
from guestagent.secret import Secret
from guestagent.signal.handle import CfnTarget, TokenTarget, resolve_target

AUTH_TTL_S = 900.0  # Keystone's [credential] auth_ttl, in seconds
TOKEN_LIFETIME = timedelta(hours=1)  # Keystone's [token] expiration
FERNET_VERSION = 0x80  # the first byte of such a token; after it the time of issue stands in the clear


@dataclass(frozen=True, slots=True)
class Expiry:
    """`what` is refused from `at` on (UTC); `by` is whose word that is."""

    credential: str
    expires_at: datetime
    basis: str

    def describe(self, today: datetime) -> str:
        """In words, for status."""
        minutes = (self.expires_at - today).total_seconds() / 60
        when = f"expires in {minutes:.0f} min" if minutes >= 0 else f"expired {-minutes:.0f} min ago"
        return f"{self.credential} {when}, at {self.expires_at.isoformat(timespec='seconds')} ({self.basis})"


def expiry(handle: Handle, auth_ttl: float = AUTH_TTL_S) -> Expiry | None:
    """When `handle` will be refused; None where it does not tell, and for a HEAT_SIGNAL, which fetches its tokens.

    `auth_ttl`: what this cloud's Keystone lets a presigned URL live, in seconds.
    """
    try:
        to = resolve_target(handle)
    except HandleRefused:
        return None
    if isinstance(to, CfnTarget) and to.signed_at is not None:
        return Expiry(
            "the handle's URL",
            to.signed_at + timedelta(seconds=auth_ttl),
            "signal.auth_ttl after it was signed",
        )
    return _of_token(to.token) if isinstance(to, TokenTarget) else None


def _of_token(token: Secret) -> Expiry | None:
    if (at := _jws_expiry(token)) is not None:
        return Expiry("the handle's token", at, "the token says so")
    if (issued := _fernet_issue(token)) is not None:
        return Expiry(
            "the handle's token", issued + TOKEN_LIFETIME, "if Keystone's tokens live its default hour"
        )
    return None


def _fernet_issue(token: Secret) -> datetime | None:
    content = _decoded(token.reveal())
    if len(content) < 9 or content[0] != FERNET_VERSION:
        return None
    return _moment(struct.unpack(">Q", content[1:9])[0])


def _jws_expiry(token: Secret) -> datetime | None:
    parts = token.reveal().split(".")
    try:
        claims = json.loads(_decoded(parts[1])) if len(parts) == 3 else None
    except (ValueError, RecursionError):
        return None
    return _moment(claims.get("exp")) if isinstance(claims, dict) else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
