"""What an answer of the handle's host means: accepted, try again, or never. Pure.

Where one answer has several causes that cannot be told apart, the error says all of them.
"""

from __future__ import annotations

import re
from datetime import datetime

from guestagent.errors import HandleRefused, HandleUnreachable
from guestagent.signal.handle import CfnTarget, HeatTarget, TokenTarget

RECEIPT_PATTERN = re.compile(
    r"""\s*(<\?xml[^>]*>\s*)?<resource>[^<>]*</resource>\s*|\s*{\s*"resource"\s*:\s*"[^"]*"\s*}\s*"""
)
"""All that Heat answers, in XML or JSON. The same words somewhere in a page are a portal's."""

TRANSIENT_STATUSES = frozenset({407, 408, 425, 429})
PERMANENT_STATUSES = frozenset({400, 404, 405, 410, 411, 413, 414, 415})
GONE_STATUSES = frozenset({404, 410})


class HandleDoubted(HandleUnreachable):
    """Refused for one of causes that look alike; some of them pass (403 and its kin)."""


class HandleBroken(HandleUnreachable):
    """Its host failed to answer (5xx): mostly that passes, but some Heats say so of a handle that is gone, too."""


def classify_response(status: int, text: str, target: CfnTarget, today: datetime) -> None:
    """Return where the answer says that the signal has been taken; otherwise raise what it means.

    A 200 counts only in Heat's own words: a proxy's login page is a 200, too.
    """
    host = target.host
    if status == 200 and RECEIPT_PATTERN.fullmatch(text):
        return
    if status in PERMANENT_STATUSES or "Metadata format invalid" in text:
        raise HandleRefused(f"{host} answers {status}: {_refusal(status, text)}")
    if status >= 500:
        raise HandleBroken(
            f"{host} answers {status}: Heat or Keystone is down, "
            f"or (Heat 27) the handle or its stack is gone{_age(target, today)}"
        )
    if status >= 400 and status not in TRANSIENT_STATUSES:
        raise HandleDoubted(
            f"{host} answers {status}: the URL has expired{_age(target, today)}, or it was altered, "
            "or the handle or its stack is gone, or the request came with another Host than was signed"
        )
    raise _unsaid(host, status, "Heat", "the URL is signed for it alone")


def classify_rest_response(status: int, text: str, target: TokenTarget | HeatTarget) -> None:
    """The same for Heat's REST API. Returning says no more than that Heat could read it: accepted, not confirmed."""
    host = target.host
    if status == 200 and text.strip() == "null":
        return
    if status in PERMANENT_STATUSES:
        said = "there is no such handle (any more)" if status in GONE_STATUSES else "it takes no such signal"
        raise HandleRefused(f"{host} answers {status}: {said}")
    if status >= 500:
        raise HandleBroken(f"{host} answers {status}: Heat or Keystone is down")
    if status >= 400 and status not in TRANSIENT_STATUSES:
        own = (
            "the token has expired"
            if isinstance(target, TokenTarget)
            else "it does not take Keystone's token"
        )
        raise HandleDoubted(
            f"{host} answers {status}: {own}, or the handle or its stack is gone (their user goes with them)"
        )
    raise _unsaid(host, status, "Heat", "the credentials are for it alone")


def classify_login_response(status: int, target: HeatTarget) -> None:
    """The same for Keystone's answer to the handle's user."""
    host = target.keystone
    if status == 201:
        return
    if status >= 500:
        raise HandleBroken(f"{host} answers {status}: Keystone is down")
    if status in GONE_STATUSES:
        raise HandleDoubted(f"{host} answers {status}: is there a Keystone, version 3, at this address?")
    if status >= 400 and status not in TRANSIENT_STATUSES:
        raise HandleDoubted(
            f"{host} answers {status}: Keystone refuses the handle's user; "
            "the handle or its stack is gone (their user goes with them), or the password was altered"
        )
    raise _unsaid(host, status, "Keystone", "the credentials are for it alone")


def _unsaid(host: str, status: int, whom: str, bound: str) -> HandleUnreachable:
    """For an answer that says nothing of what was asked: not of the host itself, or not yet."""
    if status in TRANSIENT_STATUSES:
        said = "the proxy wants to know who we are" if status == 407 else "it asks to come back later"
        return HandleUnreachable(f"{host} answers {status}: {said}")
    if 300 <= status < 400:
        return HandleUnreachable(f"{host} redirects ({status}): not followed, {bound}")
    return HandleUnreachable(f"{host} answers {status}, but not as {whom} does: is there a portal between?")


def _refusal(status: int, text: str) -> str:
    if "Metadata format invalid" in text:
        return "it does not understand the signal; is the handle of the kind that its metadata shows?"
    if status == 400:
        return "the URL carries no complete signature; was it cut short on its way into the metadata?"
    if status in GONE_STATUSES:
        return "there is no such handle (any more)"
    return "it takes no signals at this address"


def _age(target: CfnTarget, today: datetime) -> str:
    """How old the URL is, in words to be put behind it. Keystone's auth_ttl is what it lives."""
    age = target.get_age(today)
    if age is None:
        return ""
    if age < -60:
        return f" (signed {-age / 60:.0f} minutes in the future: is this machine's clock right?)"
    return f" (signed {max(age, 0) / 60:.0f} minutes ago; Keystone's auth_ttl is 15 by default)"
