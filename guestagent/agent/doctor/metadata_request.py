"""The request with which a collector reads this node's metadata."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from guestagent.agent.collector_config import UPDATE_COLLECTORS, get_option
from guestagent.secret import Secret
from guestagent.signal.http_client import HttpRequest

DEFAULT_PORTS = {"http": 80, "https": 443}
URL_OPTIONS = {**UPDATE_COLLECTORS, "cfn": "metadata_url"}


@dataclass(frozen=True, slots=True)
class MetadataRequest:
    """The address that a collector asks, and its request.

    `is_read`: the request reads the metadata, so that any status but 200 is an error. Otherwise it asks for the front
    page of Keystone, at which this collector logs in.
    """

    collector: str
    host: str
    port: int
    request: HttpRequest
    ca_file: Path | None
    is_read: bool


def build_metadata_request(text: str, collector: str, metadata_server: str) -> MetadataRequest | None:
    """Build the request of a collector with this configuration; None if that has no usable URL.

    `metadata_server`: the one that Heat has named for this node. The collector `cfn` uses it if it has no URL.
    """
    url = get_option(text, collector, URL_OPTIONS[collector])
    if not url and collector == "cfn" and metadata_server:
        url = f"{metadata_server}/v1/"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if not host or not port:
        return None
    request = HttpRequest("GET", Secret(f"{parts.scheme}://{parts.netloc}/"), parts.netloc)
    if collector == "cfn":
        request = _build_cfn_request(text, url)
    elif collector == "request":
        request = HttpRequest("HEAD", Secret(url), parts.netloc)
    ca_option = "ca_certificate" if collector == "cfn" else "ca_file"
    ca_file = get_option(text, collector, ca_option)
    is_read = collector in ("cfn", "request")
    return MetadataRequest(collector, host, port, request, Path(ca_file) if ca_file else None, is_read)


def _build_cfn_request(text: str, url: str) -> HttpRequest:
    """Sign the request as os-collect-config does: with an EC2 signature of version 2."""
    parts = urlsplit(url)
    params = {
        "Action": "DescribeStackResource",
        "StackName": get_option(text, "cfn", "stack_name"),
        "LogicalResourceId": get_option(text, "cfn", "path").partition(".")[0],
        "AWSAccessKeyId": get_option(text, "cfn", "access_key_id"),
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
    }
    query = "&".join(f"{quote(name, safe='')}={quote(params[name], safe='-_~')}" for name in sorted(params))
    signed_text = f"GET\n{parts.netloc}\n{parts.path}\n{query}"
    key = get_option(text, "cfn", "secret_access_key").encode()
    signature = base64.b64encode(hmac.new(key, signed_text.encode(), hashlib.sha256).digest()).decode()
    signed_url = f"{url}?{urlencode({**params, 'Signature': signature})}"
    return HttpRequest("GET", Secret(signed_url), parts.netloc)
