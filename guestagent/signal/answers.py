"""What an answer of the handle's host means: accepted, try again, or never. Pure.

Where one answer has several causes that cannot be told apart, the error says all of them.
"""

from __future__ import annotations

from datetime import datetime

from guestagent.errors import HandleRefused, HandleUnreachable
from guestagent.signal.handle import Target

ACCEPTED = ("<resource", '"resource"')
PASSING = frozenset({407, 408, 425, 429})
FINAL = frozenset({400, 404, 405, 410, 411, 413, 414, 415})


class HandleDoubted(HandleUnreachable):
    """Refused for one of causes that look alike; some of them pass (403 and its kin)."""


class HandleBroken(HandleUnreachable):
    """Its host failed to answer (5xx): mostly that passes, but some Heats say so of an expired URL, too."""


def judge(status: int, text: str, target: Target, today: datetime) -> None:
    """Return where the answer says that the signal has been taken; otherwise raise what it means.

    A 200 counts only in Heat's own words: a proxy's login page is a 200, too.
    """
    host = target.host
    if status == 200 and any(word in text for word in ACCEPTED):
        return
    if status in FINAL or "Metadata format invalid" in text:
        raise HandleRefused(f"{host} answers {status}: {_refusal(status, text)}")
    if status in PASSING:
        raise HandleUnreachable(f"{host} answers {status}: {_passing(status)}")
    if status >= 500:
        raise HandleBroken(
            f"{host} answers {status}: Heat or Keystone is down, "
            f"or (Heat 27) the URL is no longer valid{_age(target, today)}"
        )
    if status >= 400:
        raise HandleDoubted(
            f"{host} answers {status}: the URL has expired{_age(target, today)}, or it was altered, "
            "or the handle or its stack is gone, or the request came with another Host than was signed"
        )
    if status >= 300:
        raise HandleUnreachable(f"{host} redirects ({status}): not followed, the URL is signed for it alone")
    raise HandleUnreachable(f"{host} answers {status}, but not as Heat does: is there a portal between?")


def _refusal(status: int, text: str) -> str:
    if "Metadata format invalid" in text:
        return "it does not understand the signal; is the handle of the kind that its metadata shows?"
    if status == 400:
        return "the URL carries no complete signature; was it cut short on its way into the metadata?"
    if status in (404, 410):
        return "there is no such handle (any more)"
    return "it takes no signals at this address"


def _passing(status: int) -> str:
    return "the proxy wants to know who we are" if status == 407 else "it asks to come back later"


def _age(target: Target, today: datetime) -> str:
    """How old the URL is, in words to be put behind it. Keystone's auth_ttl is what it lives."""
    age = target.age(today)
    if age is None:
        return ""
    if age < -60:
        return f" (signed {-age / 60:.0f} minutes in the future: is this machine's clock right?)"
    return f" (signed {max(age, 0) / 60:.0f} minutes ago; Keystone's auth_ttl is 15 by default)"
