"""EC2 signature version 2, as Heat signs its handles' URLs and Keystone checks them. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, unquote, urlencode, urlsplit

from guestagent.secret import Secret

SIGNATURE_METHOD = "HmacSHA256"
TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request. `path` is unquoted; `params` are those of query and form, decoded."""

    verb: str
    host: str
    path: str
    params: Mapping[str, str]


def compute_signature(request: SignedRequest, key: Secret) -> str:
    """Compute the signature of a request, without the `Signature` among its parameters.

    Keystone signs with SHA-256, and replaces the method that the request names.
    """
    method = {"SignatureMethod": SIGNATURE_METHOD} if "SignatureMethod" in request.params else {}
    pairs = sorted((k, v) for k, v in {**request.params, **method}.items() if k != "Signature")
    query = "&".join(f"{quote(k, safe='')}={quote(v, safe='-_~')}" for k, v in pairs)
    text = f"{request.verb}\n{request.host}\n{request.path}\n{query}"
    return base64.b64encode(hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).digest()).decode()


def presign_url(url: str, access_key: str, key: Secret, now: datetime) -> str:
    """Add parameters to `url` with which everybody may PUT there until the cloud's auth_ttl is over."""
    parts = urlsplit(url)
    params = {
        "SignatureMethod": SIGNATURE_METHOD,
        "SignatureVersion": "2",
        "AWSAccessKeyId": access_key,
        "Timestamp": now.astimezone(timezone.utc).strftime(TIMESTAMP_FORMAT),
    }
    signature = compute_signature(
        SignedRequest("PUT", parts.netloc.lower(), unquote(parts.path), params), key
    )
    return f"{url}?{urlencode({**params, 'Signature': signature})}"


def has_valid_signature(request: SignedRequest, key: Secret, now: datetime, ttl: timedelta) -> bool:
    """Whether the request has a valid signature that has not expired. A Host without port is accepted."""
    signature = request.params.get("Signature", "")
    request_without_port = SignedRequest(
        request.verb, _remove_port(request.host), request.path, request.params
    )
    is_valid = any(
        hmac.compare_digest(compute_signature(r, key), signature) for r in (request, request_without_port)
    )
    return is_valid and not _is_expired(request.params.get("Timestamp"), now, ttl)


def _remove_port(host: str) -> str:
    """An IPv6 address keeps its brackets, and its colons."""
    return re.sub(r":[0-9]*$", "", host)


def _is_expired(timestamp: str | None, now: datetime, ttl: timedelta) -> bool:
    if timestamp is None:  # os-collect-config sends none: its requests never expire
        return False
    try:
        signature = datetime.strptime(timestamp, TIMESTAMP_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return True
    return now - signature > ttl
