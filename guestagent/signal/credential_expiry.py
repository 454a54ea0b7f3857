"""Until when Heat can be expected to accept a handle's signals, according to the handle's own credential. Pure.

Keystone decides, by settings that a guest cannot see. Every expectation therefore states what it is based on.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Handle
from guestagent.metadata.limits import DEFAULT_AUTH_TTL_S
from guestagent.secret import Secret
from guestagent.signal.handle import CfnTarget, TokenTarget, resolve_target

TOKEN_LIFETIME = timedelta(hours=1)  # Keystone's [token] expiration
FERNET_VERSION = 0x80  # the first byte of such a token; the time of issue follows unencrypted


@dataclass(frozen=True, slots=True)
class Expiry:
    """The time (UTC) from which a credential is rejected, and what the expectation is based on."""

    credential: str
    expires_at: datetime
    basis: str

    def describe(self, now: datetime) -> str:
        """Return a description for `guestagent status`."""
        minutes = (self.expires_at - now).total_seconds() / 60
        remaining = f"expires in {minutes:.0f} min" if minutes >= 0 else f"expired {-minutes:.0f} min ago"
        at = self.expires_at.isoformat(timespec="seconds")
        return f"{self.credential} {remaining}, at {at} ({self.basis})"


def find_expiry(handle: Handle, auth_ttl: float = DEFAULT_AUTH_TTL_S) -> Expiry | None:
    """Return when the handle expires; None if it does not show, and for HEAT_SIGNAL, which fetches new tokens.

    `auth_ttl` is the lifetime of a presigned URL in this cloud's Keystone, in seconds.
    """
    try:
        target = resolve_target(handle)
    except HandleRefused:
        return None
    if isinstance(target, CfnTarget) and target.signed_at is not None:
        return Expiry(
            "the handle's URL",
            target.signed_at + timedelta(seconds=auth_ttl),
            "signal.auth_ttl after it was signed",
        )
    return _find_token_expiry(target.token) if isinstance(target, TokenTarget) else None


def _find_token_expiry(token: Secret) -> Expiry | None:
    if (expires_at := _read_jws_expiry(token)) is not None:
        return Expiry("the handle's token", expires_at, "as the token states")
    if (issued_at := _read_fernet_issue(token)) is not None:
        return Expiry(
            "the handle's token", issued_at + TOKEN_LIFETIME, "if Keystone's tokens live its default hour"
        )
    return None


def _read_fernet_issue(token: Secret) -> datetime | None:
    content = _decode_base64(token.reveal())
    if len(content) < 9 or content[0] != FERNET_VERSION:
        return None
    return _convert_timestamp(struct.unpack(">Q", content[1:9])[0])


def _read_jws_expiry(token: Secret) -> datetime | None:
    parts = token.reveal().split(".")
    try:
        claims = json.loads(_decode_base64(parts[1])) if len(parts) == 3 else None
    except (ValueError, RecursionError):
        return None
    return _convert_timestamp(claims.get("exp")) if isinstance(claims, dict) else None


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _convert_timestamp(seconds: object) -> datetime | None:
    if not isinstance(seconds, int):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
