"""The target of a handle's signals: the transport, the address and the credentials that the handle specifies. Pure.

A handle's URL and document are credentials: only a `Secret` contains them, and keys are hashes of them.
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
    """The transports that this version supports, by Heat's names."""

    CFN = "CFN_SIGNAL"
    TOKEN = "TOKEN_SIGNAL"  # noqa: S105 - Heat's name of a transport
    HEAT = "HEAT_SIGNAL"

    def __str__(self) -> str:
        return self.value

    @property
    def has_confirmation(self) -> bool:
        """Whether a positive answer is a proof of acceptance: Heat's REST API answers 200 to any valid JSON."""
        return self is SignalTransport.CFN


@dataclass(frozen=True, slots=True)
class CfnTarget:
    """A presigned URL. `host` is not secret; `signed_at` is None if the URL does not show when Heat signed it."""

    transport: ClassVar[SignalTransport] = SignalTransport.CFN
    url: Secret
    host: str
    signed_at: datetime | None

    def get_age(self, now: datetime) -> float | None:
        """Return the seconds since it was signed, according to this machine's clock."""
        return None if self.signed_at is None else (now - self.signed_at).total_seconds()


@dataclass(frozen=True, slots=True)
class TokenTarget:
    """The resource's address in Heat's REST API, and a token that was issued once, with the handle."""

    transport: ClassVar[SignalTransport] = SignalTransport.TOKEN
    url: Secret
    host: str
    token: Secret


@dataclass(frozen=True, slots=True)
class HeatTarget:
    """The resource's address in Heat's REST API, and the handle's own user, which gets its tokens from `keystone`."""

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
    """Return where and how the handle is signalled. Raises HandleRefused if this version does not support it."""
    if isinstance(handle, UnresolvedFunction):
        raise HandleRefused(f"the handle is the template's {handle}: Heat has not resolved it")
    if not isinstance(handle, HotHandle):
        return _build_cfn_target(handle.url.reveal())
    document = _parse_document(handle)
    transport = _detect_transport(document)
    if transport == SignalTransport.CFN:
        return _build_cfn_target(_get_text(document, "alarm_url"))
    if transport == SignalTransport.TOKEN:
        return _build_token_target(document)
    if transport == SignalTransport.HEAT:
        return _build_heat_target(document)
    raise HandleRefused(
        f"this version does not support the handle's transport {transport}: "
        f"set `signal_transport` of its resource to {SignalTransport.CFN}, "
        f"{SignalTransport.HEAT} or {SignalTransport.TOKEN}"
    )


def find_transport(handle: Handle) -> SignalTransport | None:
    """Return the handle's transport, or None if it has no supported one."""
    try:
        return resolve_target(handle).transport
    except HandleRefused:
        return None


def find_handle_url(handle: Handle) -> Secret | None:
    """Return the URL of the handle, or None if it has none."""
    try:
        return resolve_target(handle).url
    except HandleRefused:
        return None


def build_signal_key(handle: Handle, unique_id: str) -> str:
    """Return a key for the signals of this id to this handle. It contains nothing of the secret."""
    return _hash(reveal_handle(handle), unique_id)


def build_resource_key(handle: Handle, unique_id: str) -> str:
    """Return a key that does not depend on the handle's credentials: Heat may give it new ones at any time."""
    url = find_handle_url(handle)
    if url is None:
        return build_signal_key(handle, unique_id)
    return _hash(_split_url(url.reveal())._replace(query="", fragment="").geturl(), unique_id)


def reveal_handle(handle: Handle) -> str:
    """Return the handle as it is in the metadata: a credential, only for the spool and the request."""
    if isinstance(handle, UnresolvedFunction):
        return str(handle)
    return (handle.document if isinstance(handle, HotHandle) else handle.url).reveal()


def is_valid_header_value(credential: str) -> bool:
    """Whether the credential is valid in a request header: the libraries quote an invalid one in their errors."""
    return bool(credential) and all("!" <= character <= "~" for character in credential)


def _hash(address: str, unique_id: str) -> str:
    return hashlib.sha256(f"{address}\0{unique_id}".encode()).hexdigest()[:32]


def _parse_document(handle: HotHandle) -> Mapping[str, object]:
    try:
        document = json.loads(handle.document.reveal())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise HandleRefused("ReadyWaitCondition is neither a URL nor a handle's JSON object")
    return document


def _detect_transport(document: Mapping[str, object]) -> str:
    """Return the `signal_transport` for which Heat creates such a document."""
    if "queue_id" in document:
        return "ZAQAR_SIGNAL"
    if "auth_url" in document:
        return SignalTransport.HEAT
    if "alarm_url" not in document:
        return SignalTransport.TOKEN if "token" in document else "NO_SIGNAL"
    return "TEMP_URL_SIGNAL" if "temp_url_sig=" in str(document["alarm_url"]) else SignalTransport.CFN


def _build_cfn_target(url: str) -> CfnTarget:
    parts = _split_url(url)
    return CfnTarget(Secret(url), _get_host(parts), _parse_timestamp(parts.query))


def _build_token_target(document: Mapping[str, object]) -> TokenTarget:
    url, token = _get_text(document, "endpoint"), _get_text(document, "token")
    if not is_valid_header_value(token):
        raise HandleRefused("the handle's token contains characters that a token cannot have")
    return TokenTarget(Secret(url), _get_host(_split_url(url)), Secret(token))


def _build_heat_target(document: Mapping[str, object]) -> HeatTarget:
    url, auth_parts = _get_text(document, "alarm_url"), _split_url(_get_text(document, "auth_url"))
    return HeatTarget(
        url=Secret(url),
        host=_get_host(_split_url(url)),
        login_url=Secret(_build_login_url(auth_parts)),
        keystone=_get_host(auth_parts),
        user=_get_text(document, "user_id"),
        password=Secret(_get_text(document, "password")),
        project=_get_text(document, "project_id"),
    )


def _get_text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise HandleRefused(
            f"the handle's document has no {name}; is it a document of another kind of handle?"
        )
    return value


def _build_login_url(auth_parts: SplitResult) -> str:
    """Return the URL for tokens. Heat names Keystone with or without its version."""
    root = auth_parts.path.rstrip("/").removesuffix("/v2.0").removesuffix("/v3")
    return auth_parts._replace(path=f"{root}/v3/auth/tokens", query="nocatalog", fragment="").geturl()


def _get_host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _split_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or any(character <= " " for character in url):
        raise HandleRefused("the handle has no http(s) URL to which a signal can be sent")
    return parts


def _parse_timestamp(query: str) -> datetime | None:
    values = parse_qs(query).get("Timestamp", [""])
    try:
        return datetime.strptime(values[0], TIMESTAMP_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
