"""Ways to a handle: a Protocol, and one class for each transport that this version speaks.

The others (TEMP_URL_SIGNAL, ZAQAR_SIGNAL) will stand beside them, chosen by `build_transport`.
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
from guestagent.signal.handle import CfnTarget, HeatTarget, TokenTarget, is_valid_header_value, resolve_target
from guestagent.signal.http_client import (
    DEFAULT_HTTP_OPTIONS,
    HttpOptions,
    HttpRequest,
    HttpResponse,
    send_request,
)
from guestagent.signal.responses import classify_login_response, classify_response, classify_rest_response

UNAUTHORIZED = 401
TIMEOUT_MIN_S = 0.1  # what a later request of one attempt is given where the earlier ones took all


class Transport(Protocol):
    """One attempt within `seconds`. HandleUnreachable where another may help, HandleRefused where not."""

    def send(self, body: bytes, seconds: float) -> None: ...


def utc_now() -> datetime:
    """The calendar; it may be stepped, and so only tells how old a URL is."""
    return datetime.now(timezone.utc)


def build_transport(
    handle: Handle, web: HttpOptions = DEFAULT_HTTP_OPTIONS, today: Callable[[], datetime] = utc_now
) -> Transport:
    """The way that `handle` asks for; HandleRefused where this version has none."""
    to = resolve_target(handle)
    if isinstance(to, CfnTarget):
        return CfnTransport(to, web, today)
    return TokenTransport(to, web) if isinstance(to, TokenTarget) else HeatTransport(to, web)


class CfnTransport:
    """CFN_SIGNAL: PUT on a presigned URL."""

    def __init__(
        self, to: CfnTarget, web: HttpOptions = DEFAULT_HTTP_OPTIONS, today: Callable[[], datetime] = utc_now
    ) -> None:
        self._to, self._web, self._today = to, web, today

    def send(self, body: bytes, seconds: float) -> None:
        answer = send_request(HttpRequest("PUT", self._to.url, self._to.host, body), self._web, seconds)
        classify_response(answer.status, answer.text, self._to, self._today())


class TokenTransport:
    """TOKEN_SIGNAL: POST to Heat's REST API with the token that the handle was given, while that lives."""

    def __init__(self, to: TokenTarget, web: HttpOptions = DEFAULT_HTTP_OPTIONS) -> None:
        self._to, self._web = to, web

    def send(self, body: bytes, seconds: float) -> None:
        answer = _signal(self._to, self._to.token, body, self._web, seconds)
        classify_rest_response(answer.status, answer.text, self._to)


class HeatTransport:
    """HEAT_SIGNAL: POST to Heat's REST API with a token of the handle's own user, fetched anew when it is refused.

    Keep it for more than one attempt: its token is then used again.
    """

    def __init__(self, to: HeatTarget, web: HttpOptions = DEFAULT_HTTP_OPTIONS) -> None:
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
        classify_rest_response(answer.status, answer.text, self._to)

    def _post(self, token: Secret, body: bytes, until: float) -> HttpResponse:
        return _signal(self._to, token, body, self._web, _left(until))

    def _log_in(self, until: float) -> Secret:
        to, self._token = self._to, None
        answer = send_request(
            HttpRequest("POST", to.login_url, to.keystone, _credentials(to)), self._web, _left(until)
        )
        classify_login_response(answer.status, to)
        if answer.token is None or not is_valid_header_value(answer.token.reveal()):
            raise HandleUnreachable(f"{to.keystone} gives no token: is there a portal between?")
        self._token = answer.token
        return answer.token


def _signal(
    to: TokenTarget | HeatTarget, token: Secret, body: bytes, web: HttpOptions, seconds: float
) -> HttpResponse:
    return send_request(HttpRequest("POST", to.url, to.host, body, {"X-Auth-Token": token}), web, seconds)


def _credentials(to: HeatTarget) -> bytes:
    """A user's id needs no domain beside it."""
    user = {"id": to.user, "password": to.password.reveal()}
    identity = {"methods": ["password"], "password": {"user": user}}
    return json.dumps({"auth": {"identity": identity, "scope": {"project": {"id": to.project}}}}).encode()


def _left(until: float) -> float:
    return max(TIMEOUT_MIN_S, until - time.monotonic())
