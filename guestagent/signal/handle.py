"""What a handle tells about itself: where signals go, and since when that address is signed. Pure.

Its URL and document are credentials: only `Secret` carries them, and a name is a hash of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import SplitResult, parse_qs, urlsplit

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Handle, HotHandle, Unresolved
from guestagent.secret import Secret

STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Target:
    """A presigned URL. `host` may be shown; `signed` is when Heat signed it, None where it does not say."""

    url: Secret
    host: str
    signed: datetime | None

    def age(self, today: datetime) -> float | None:
        """Seconds since it was signed, by this machine's calendar."""
        return None if self.signed is None else (today - self.signed).total_seconds()


def target(handle: Handle) -> Target:
    """Where a signal for `handle` is PUT; HandleRefused where this version has no way to send one."""
    if isinstance(handle, Unresolved):
        raise HandleRefused(f"the handle is the template's {handle}: Heat has not resolved it")
    url = _alarm_url(handle) if isinstance(handle, HotHandle) else handle.url
    parts = _split(url)
    return Target(url, parts.netloc.rpartition("@")[2], _signed(parts.query))


def handle_url(handle: Handle) -> Secret | None:
    """The URL of a handle that has one, None otherwise."""
    try:
        return target(handle).url
    except HandleRefused:
        return None


def key(handle: Handle, unique_id: str) -> str:
    """A name for what is said to this handle under this id, without anything of the secret in it."""
    return hashlib.sha256(f"{text(handle)}\0{unique_id}".encode()).hexdigest()[:32]


def text(handle: Handle) -> str:
    """The handle as the metadata spells it: a credential, for the spool and the wire alone."""
    if isinstance(handle, Unresolved):
        return str(handle)
    return (handle.document if isinstance(handle, HotHandle) else handle.url).reveal()


def _alarm_url(handle: HotHandle) -> Secret:
    try:
        document = json.loads(handle.document.reveal())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise HandleRefused("ReadyWaitCondition is neither a URL nor a handle's JSON object")
    transport, url = _transport(document), document.get("alarm_url")
    if transport != "CFN_SIGNAL" or not isinstance(url, str):
        raise HandleRefused(
            f"the handle wants {transport}, which this version does not speak: "
            "give its resource `signal_transport: CFN_SIGNAL`"
        )
    return Secret(url)


def _transport(document: Mapping[str, object]) -> str:
    """Which `signal_transport` makes such a document."""
    if "queue_id" in document:
        return "ZAQAR_SIGNAL"
    if "auth_url" in document:
        return "HEAT_SIGNAL"
    if "token" in document:
        return "TOKEN_SIGNAL"
    if "alarm_url" not in document:
        return "NO_SIGNAL"
    return "TEMP_URL_SIGNAL" if "temp_url_sig=" in str(document["alarm_url"]) else "CFN_SIGNAL"


def _split(url: Secret) -> SplitResult:
    shown = url.reveal()
    try:
        parts = urlsplit(shown)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or any(character <= " " for character in shown):
        raise HandleRefused("the handle holds no http(s) URL that a signal can be sent to")
    return parts


def _signed(query: str) -> datetime | None:
    stamps = parse_qs(query).get("Timestamp", [""])
    try:
        return datetime.strptime(stamps[0], STAMP).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
