"""Ways to a handle: a Protocol, and one class for each transport that this version speaks.

The others (TEMP_URL_SIGNAL, ZAQAR_SIGNAL) will stand beside them, chosen by `transport_to`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol

from guestagent.errors import HandleUnreachable
from guestagent.metadata.document import Handle
from guestagent.secret import Secret
from guestagent.signal.answers import judge, judge_login, judge_rest
from guestagent.signal.handle import Account, Bearer, Presigned, sendable, target
from guestagent.signal.web import AS_REQUESTS, Answer, Request, Web, ask

UNAUTHORIZED = 401
LEAST_SECONDS = 0.1  # what a later request of one attempt is given where the earlier ones took all


class Transport(Protocol):
    """One attempt within `seconds`. HandleUnreachable where another may help, HandleRefused where not."""

    def send(self, body: bytes, seconds: float) -> None: ...


def utc_now() -> datetime:
    """The calendar; it may be stepped, and so only tells how old a URL is."""
    return datetime.now(timezone.utc)


def transport_to(
    handle: Handle, web: Web = AS_REQUESTS, today: Callable[[], datetime] = utc_now
) -> Transport:
    """The way that `handle` asks for; HandleRefused where this version has none."""
    to = target(handle)
    if isinstance(to, Presigned):
        return CfnTransport(to, web, today)
    return TokenTransport(to, web) if isinstance(to, Bearer) else HeatTransport(to, web)


class CfnTransport:
    """CFN_SIGNAL: PUT on a presigned URL."""

    def __init__(
        self, to: Presigned, web: Web = AS_REQUESTS, today: Callable[[], datetime] = utc_now
    ) -> None:
        self._to, self._web, self._today = to, web, today

    def send(self, body: bytes, seconds: float) -> None:
        answer = ask(Request("PUT", self._to.url, self._to.host, body), self._web, seconds)
        judge(answer.status, answer.text, self._to, self._today())


class TokenTransport:
    """TOKEN_SIGNAL: POST to Heat's REST API with the token that the handle was given, while that lives."""

    def __init__(self, to: Bearer, web: Web = AS_REQUESTS) -> None:
        self._to, self._web = to, web

    def send(self, body: bytes, seconds: float) -> None:
        answer = _signal(self._to, self._to.token, body, self._web, seconds)
        judge_rest(answer.status, answer.text, self._to)


class HeatTransport:
    """HEAT_SIGNAL: POST to Heat's REST API with a token of the handle's own user, fetched anew when it is refused.

    Keep it for more than one attempt: its token is then used again.
    """

    def __init__(self, to: Account, web: Web = AS_REQUESTS) -> None:
        self._to, self._web = to, web
        self._token: Secret | None = None

    def send(self, body: bytes, seconds: float) -> None:
        until = time.monotonic() + seconds
        kept = self._token
        answer = self._post(kept or self._log_in(until), body, until)
        if answer.status == UNAUTHORIZED and kept is not None:
            answer = self._post(self._log_in(until), body, until)
        if answer.status == UNAUTHORIZED:
            self._token = None
        judge_rest(answer.status, answer.text, self._to)

    def _post(self, token: Secret, body: bytes, until: float) -> Answer:
        return _signal(self._to, token, body, self._web, _left(until))

    def _log_in(self, until: float) -> Secret:
        to, self._token = self._to, None
        answer = ask(Request("POST", to.login, to.keystone, _credentials(to)), self._web, _left(until))
        judge_login(answer.status, to)
        if answer.token is None or not sendable(answer.token.reveal()):
            raise HandleUnreachable(f"{to.keystone} gives no token: is there a portal between?")
        self._token = answer.token
        return answer.token


def _signal(to: Bearer | Account, token: Secret, body: bytes, web: Web, seconds: float) -> Answer:
    return ask(Request("POST", to.url, to.host, body, {"X-Auth-Token": token}), web, seconds)


def _credentials(to: Account) -> bytes:
    """A user's id needs no domain beside it."""
    user = {"id": to.user, "password": to.password.reveal()}
    identity = {"methods": ["password"], "password": {"user": user}}
    return json.dumps({"auth": {"identity": identity, "scope": {"project": {"id": to.project}}}}).encode()


def _left(until: float) -> float:
    return max(LEAST_SECONDS, until - time.monotonic())
