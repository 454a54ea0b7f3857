"""What a handle tells about itself: by which transport it wants to be signalled, where, and with what. Pure.

Its URL and document are credentials: only `Secret` carries them, and a name is a hash of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import ClassVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Handle, HotHandle, UnresolvedFunction
from guestagent.secret import Secret

TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class SignalTransport(str, Enum):
    """The transports that this version speaks, by Heat's names."""

    CFN = "CFN_SIGNAL"
    TOKEN = "TOKEN_SIGNAL"  # noqa: S105 - Heat's name of a transport
    HEAT = "HEAT_SIGNAL"

    def __str__(self) -> str:
        return self.value

    @property
    def has_confirmation(self) -> bool:
        """Whether an acceptance proves that the handle took it: Heat's REST API says 200 to whatever parses."""
        return self is SignalTransport.CFN


@dataclass(frozen=True, slots=True)
class CfnTarget:
    """A presigned URL. `host` may be shown; `signed` is when Heat signed it, None where it does not say."""

    transport: ClassVar[SignalTransport] = SignalTransport.CFN
    url: Secret
    host: str
    signed_at: datetime | None

    def get_age(self, today: datetime) -> float | None:
        """Seconds since it was signed, by this machine's calendar."""
        return None if self.signed_at is None else (today - self.signed_at).total_seconds()


@dataclass(frozen=True, slots=True)
class TokenTarget:
    """The resource's address in Heat's REST API, and a token that was issued with the handle, once."""

    transport: ClassVar[SignalTransport] = SignalTransport.TOKEN
    url: Secret
    host: str
    token: Secret


@dataclass(frozen=True, slots=True)
class HeatTarget:
    """The resource's address in Heat's REST API, and the handle's own user, who fetches tokens at `keystone`."""

    transport: ClassVar[SignalTransport] = SignalTransport.HEAT
    url: Secret
    host: str
    login_url: Secret
    keystone: str
    user: str
    password: Secret
    project: str


SignalTarget = CfnTarget | TokenTarget | HeatTarget


def resolve_target(handle: Handle) -> SignalTarget:
    """How `handle` is signalled, by its own document; HandleRefused where this version has no way."""
    if isinstance(handle, UnresolvedFunction):
        raise HandleRefused(f"the handle is the template's {handle}: Heat has not resolved it")
    if not isinstance(handle, HotHandle):
        return _presigned(handle.url.reveal())
    document = _document(handle)
    transport = _transport(document)
    if transport == SignalTransport.CFN:
        return _presigned(_text(document, "alarm_url"))
    if transport == SignalTransport.TOKEN:
        return _bearer(document)
    if transport == SignalTransport.HEAT:
        return _account(document)
    raise HandleRefused(
        f"the handle wants {transport}, which this version does not speak: "
        f"give its resource `signal_transport: {SignalTransport.CFN}`, "
        f"{SignalTransport.HEAT} or {SignalTransport.TOKEN}"
    )


def find_transport(handle: Handle) -> SignalTransport | None:
    """The handle's transport, None where it has none that can be used."""
    try:
        return resolve_target(handle).transport
    except HandleRefused:
        return None


def find_handle_url(handle: Handle) -> Secret | None:
    """The URL of a handle that has one, None otherwise."""
    try:
        return resolve_target(handle).url
    except HandleRefused:
        return None


def build_signal_key(handle: Handle, unique_id: str) -> str:
    """A name for what is said to this handle under this id, without anything of the secret in it."""
    return _hash(reveal_handle(handle), unique_id)


def build_resource_key(handle: Handle, unique_id: str) -> str:
    """A name for the same, whatever credentials the handle has: Heat may give a handle new ones at any time."""
    url = find_handle_url(handle)
    if url is None:
        return build_signal_key(handle, unique_id)
    return _hash(_split(url.reveal())._replace(query="", fragment="").geturl(), unique_id)


def reveal_handle(handle: Handle) -> str:
    """The handle as the metadata spells it: a credential, for the spool and the wire alone."""
    if isinstance(handle, UnresolvedFunction):
        return str(handle)
    return (handle.document if isinstance(handle, HotHandle) else handle.url).reveal()


def is_valid_header_value(credential: str) -> bool:
    """Whether it may stand in a request's header: what may not, the libraries quote in their errors."""
    return bool(credential) and all("!" <= character <= "~" for character in credential)


def _hash(place: str, unique_id: str) -> str:
    return hashlib.sha256(f"{place}\0{unique_id}".encode()).hexdigest()[:32]


def _document(handle: HotHandle) -> Mapping[str, object]:
    try:
        document = json.loads(handle.document.reveal())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise HandleRefused("ReadyWaitCondition is neither a URL nor a handle's JSON object")
    return document


def _transport(document: Mapping[str, object]) -> str:
    """Which `signal_transport` makes such a document."""
    if "queue_id" in document:
        return "ZAQAR_SIGNAL"
    if "auth_url" in document:
        return SignalTransport.HEAT
    if "alarm_url" not in document:
        return SignalTransport.TOKEN if "token" in document else "NO_SIGNAL"
    return "TEMP_URL_SIGNAL" if "temp_url_sig=" in str(document["alarm_url"]) else SignalTransport.CFN


def _presigned(url: str) -> CfnTarget:
    parts = _split(url)
    return CfnTarget(Secret(url), _host(parts), _signed(parts.query))


def _bearer(document: Mapping[str, object]) -> TokenTarget:
    url, token = _text(document, "endpoint"), _text(document, "token")
    if not is_valid_header_value(token):
        raise HandleRefused("the handle's token holds characters that no token has")
    return TokenTarget(Secret(url), _host(_split(url)), Secret(token))


def _account(document: Mapping[str, object]) -> HeatTarget:
    url, auth = _text(document, "alarm_url"), _split(_text(document, "auth_url"))
    return HeatTarget(
        url=Secret(url),
        host=_host(_split(url)),
        login_url=Secret(_login(auth)),
        keystone=_host(auth),
        user=_text(document, "user_id"),
        password=Secret(_text(document, "password")),
        project=_text(document, "project_id"),
    )


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise HandleRefused(f"the handle's document has no {name}; is the handle of the kind that it seems?")
    return value


def _login(auth: SplitResult) -> str:
    """Where tokens are given; Heat names Keystone with its version or without."""
    root = auth.path.rstrip("/").removesuffix("/v2.0").removesuffix("/v3")
    return auth._replace(path=f"{root}/v3/auth/tokens", query="nocatalog", fragment="").geturl()


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or any(character <= " " for character in url):
        raise HandleRefused("the handle holds no http(s) URL that a signal can be sent to")
    return parts


def _signed(query: str) -> datetime | None:
    stamps = parse_qs(query).get("Timestamp", [""])
    try:
        return datetime.strptime(stamps[0], TIMESTAMP_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
