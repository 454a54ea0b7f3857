"""Classifies answers to a signal: accepted, worth another attempt, or rejected for ever. Pure.

If an answer has several causes that cannot be distinguished, the error names all of them.
"""

from __future__ import annotations

import re
from datetime import datetime

from guestagent.errors import HandleRefused, HandleUnreachable
from guestagent.signal.handle import CfnTarget, HeatTarget, TokenTarget

RECEIPT_PATTERN = re.compile(
    r"""\s*(<\?xml[^>]*>\s*)?<resource>[^<>]*</resource>\s*|\s*{\s*"resource"\s*:\s*"[^"]*"\s*}\s*"""
)
"""The whole answer of Heat, in XML or JSON. A page that merely contains these words comes from a portal."""

TRANSIENT_STATUSES = frozenset({407, 408, 425, 429})
PERMANENT_STATUSES = frozenset({400, 404, 405, 410, 411, 413, 414, 415})
GONE_STATUSES = frozenset({404, 410})


class HandleDoubted(HandleUnreachable):
    """A rejection (403 and similar) that has several possible causes, some of which are temporary."""


class HandleBroken(HandleUnreachable):
    """A server error (5xx): usually temporary, but some releases of Heat also return it for a deleted handle."""


def classify_response(status: int, text: str, target: CfnTarget, now: datetime) -> None:
    """Return if the signal was accepted; otherwise raise the error that the answer means.

    A 200 counts only with Heat's own text: a proxy's login page is a 200, too.
    """
    host = target.host
    if status == 200 and RECEIPT_PATTERN.fullmatch(text):
        return
    if status in PERMANENT_STATUSES or "Metadata format invalid" in text:
        raise HandleRefused(f"{host} returned {status}: {_explain_rejection(status, text)}")
    if status >= 500:
        raise HandleBroken(
            f"{host} returned {status}: Heat or Keystone is down, "
            f"or (Heat 27) the handle or its stack is gone{_describe_age(target, now)}"
        )
    if status >= 400 and status not in TRANSIENT_STATUSES:
        raise HandleDoubted(
            f"{host} returned {status}: the URL has expired{_describe_age(target, now)}, or it was altered, "
            "or the handle or its stack is gone, or the request came with another Host than was signed"
        )
    raise _build_unrelated_error(host, status, "Heat", "the URL is valid for this host only")


def classify_rest_response(status: int, text: str, target: TokenTarget | HeatTarget) -> None:
    """Classify an answer of Heat's REST API. Returning means that Heat could parse it: accepted, not confirmed."""
    host = target.host
    if status == 200 and text.strip() == "null":
        return
    if status in PERMANENT_STATUSES:
        is_gone = status in GONE_STATUSES
        cause = "there is no such handle (any more)" if is_gone else "it does not accept such a signal"
        raise HandleRefused(f"{host} returned {status}: {cause}")
    if status >= 500:
        raise HandleBroken(f"{host} returned {status}: Heat or Keystone is down")
    if status >= 400 and status not in TRANSIENT_STATUSES:
        has_fixed_token = isinstance(target, TokenTarget)
        cause = "the token has expired" if has_fixed_token else "it does not accept Keystone's token"
        raise HandleDoubted(
            f"{host} returned {status}: {cause}, or the handle or its stack is gone (their user goes with them)"
        )
    raise _build_unrelated_error(host, status, "Heat", "the credentials are valid for this host only")


def classify_login_response(status: int, target: HeatTarget) -> None:
    """Classify Keystone's answer to the login of the handle's user."""
    host = target.keystone
    if status == 201:
        return
    if status >= 500:
        raise HandleBroken(f"{host} returned {status}: Keystone is down")
    if status in GONE_STATUSES:
        raise HandleDoubted(f"{host} returned {status}: is there a Keystone, version 3, at this address?")
    if status >= 400 and status not in TRANSIENT_STATUSES:
        raise HandleDoubted(
            f"{host} returned {status}: Keystone rejects the handle's user; "
            "the handle or its stack is gone (their user goes with them), or the password was altered"
        )
    raise _build_unrelated_error(host, status, "Keystone", "the credentials are valid for this host only")


def _build_unrelated_error(host: str, status: int, service: str, reason: str) -> HandleUnreachable:
    """Return the error for an answer that does not concern the request: from another host, or a temporary one."""
    if status in TRANSIENT_STATUSES:
        cause = "the proxy requires a login" if status == 407 else "it asks to come back later"
        return HandleUnreachable(f"{host} returned {status}: {cause}")
    if 300 <= status < 400:
        return HandleUnreachable(f"{host} redirects ({status}): not followed, {reason}")
    return HandleUnreachable(
        f"{host} returned {status}, but not a {service} response: is there a proxy or captive portal in between?"
    )


def _explain_rejection(status: int, text: str) -> str:
    if "Metadata format invalid" in text:
        return "it does not understand the signal; is the handle of the kind that its metadata shows?"
    if status == 400:
        return "the URL has no complete signature; was it truncated on its way into the metadata?"
    if status in GONE_STATUSES:
        return "there is no such handle (any more)"
    return "it does not accept signals at this address"


def _describe_age(target: CfnTarget, now: datetime) -> str:
    """Return the age of the URL in parentheses, and Keystone's auth_ttl, its lifetime."""
    age = target.get_age(now)
    if age is None:
        return ""
    if age < -60:
        return f" (signed {-age / 60:.0f} minutes in the future: is this machine's clock right?)"
    return f" (signed {max(age, 0) / 60:.0f} minutes ago; Keystone's auth_ttl is 15 by default)"
