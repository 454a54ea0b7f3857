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
    """What a signature covers. `path` is unquoted; `params` are those of query and form, decoded."""

    verb: str
    host: str
    path: str
    params: Mapping[str, str]


def compute_signature(request: SignedRequest, key: Secret) -> str:
    """The signature of a request; a `Signature` among its parameters takes no part.

    Keystone signs with SHA-256 and puts that in the place of whatever method is named.
    """
    put_in = {"SignatureMethod": SIGNATURE_METHOD} if "SignatureMethod" in request.params else {}
    pairs = sorted((k, v) for k, v in {**request.params, **put_in}.items() if k != "Signature")
    query = "&".join(f"{quote(k, safe='')}={quote(v, safe='-_~')}" for k, v in pairs)
    text = f"{request.verb}\n{request.host}\n{request.path}\n{query}"
    return base64.b64encode(hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).digest()).decode()


def presign_url(url: str, access: str, key: Secret, now: datetime) -> str:
    """`url` with the parameters that let whoever holds it PUT there until the cloud's auth_ttl is over."""
    parts = urlsplit(url)
    params = {
        "SignatureMethod": SIGNATURE_METHOD,
        "SignatureVersion": "2",
        "AWSAccessKeyId": access,
        "Timestamp": now.astimezone(timezone.utc).strftime(TIMESTAMP_FORMAT),
    }
    signed = compute_signature(SignedRequest("PUT", parts.netloc.lower(), unquote(parts.path), params), key)
    return f"{url}?{urlencode({**params, 'Signature': signed})}"


def has_valid_signature(request: SignedRequest, key: Secret, now: datetime, ttl: timedelta) -> bool:
    """Whether the request carries the right signature and is young enough. A Host without port will do."""
    given = request.params.get("Signature", "")
    bare = SignedRequest(request.verb, _without_port(request.host), request.path, request.params)
    right = any(hmac.compare_digest(compute_signature(r, key), given) for r in (request, bare))
    return right and not _expired(request.params.get("Timestamp"), now, ttl)


def _without_port(host: str) -> str:
    """An IPv6 address keeps its brackets, and its colons."""
    return re.sub(r":[0-9]*$", "", host)


def _expired(stamp: str | None, now: datetime, ttl: timedelta) -> bool:
    if stamp is None:  # os-collect-config sends none: those never expire
        return False
    try:
        signed = datetime.strptime(stamp, TIMESTAMP_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return True
    return now - signed > ttl
