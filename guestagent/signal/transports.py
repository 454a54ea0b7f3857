"""One class for each transport that this version supports, behind a Protocol.

`build_transport` chooses one. It is the place for the others, too (TEMP_URL_SIGNAL, ZAQAR_SIGNAL).
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
TIMEOUT_MIN_S = 0.1  # for a later request of an attempt, if the earlier ones used up the time


class Transport(Protocol):
    """A way to send a signal.

    `send` makes one attempt within `seconds`. It raises HandleUnreachable if another attempt may help, and
    HandleRefused if not.
    """

    def send(self, body: bytes, seconds: float) -> None: ...


def utc_now() -> datetime:
    """Return the time of day. It may be set at any time, and so only serves to compute the age of a URL."""
    return datetime.now(timezone.utc)


def build_transport(
    handle: Handle, options: HttpOptions = DEFAULT_HTTP_OPTIONS, get_now: Callable[[], datetime] = utc_now
) -> Transport:
    """Return the transport of the handle. Raises HandleRefused if this version does not support it."""
    target = resolve_target(handle)
    if isinstance(target, CfnTarget):
        return CfnTransport(target, options, get_now)
    if isinstance(target, TokenTarget):
        return TokenTransport(target, options)
    return HeatTransport(target, options)


class CfnTransport:
    """CFN_SIGNAL: PUT on a presigned URL."""

    def __init__(
        self,
        target: CfnTarget,
        options: HttpOptions = DEFAULT_HTTP_OPTIONS,
        get_now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._target, self._options, self._get_now = target, options, get_now

    def send(self, body: bytes, seconds: float) -> None:
        request = HttpRequest("PUT", self._target.url, self._target.host, body)
        response = send_request(request, self._options, seconds)
        classify_response(response.status, response.text, self._target, self._get_now())


class TokenTransport:
    """TOKEN_SIGNAL: POST to Heat's REST API with the token that Heat issued with the handle, until it expires."""

    def __init__(self, target: TokenTarget, options: HttpOptions = DEFAULT_HTTP_OPTIONS) -> None:
        self._target, self._options = target, options

    def send(self, body: bytes, seconds: float) -> None:
        response = _post_signal(self._target, self._target.token, body, self._options, seconds)
        classify_rest_response(response.status, response.text, self._target)


class HeatTransport:
    """HEAT_SIGNAL: POST to Heat's REST API with a token of the handle's own user, renewed when Heat rejects it.

    Use one object for several attempts, so that they share its token.
    """

    def __init__(self, target: HeatTarget, options: HttpOptions = DEFAULT_HTTP_OPTIONS) -> None:
        self._target, self._options = target, options
        self._token: Secret | None = None

    def send(self, body: bytes, seconds: float) -> None:
        until = time.monotonic() + seconds
        former_token = self._token
        response = self._post(former_token or self._log_in(until), body, until)
        if response.status == UNAUTHORIZED and former_token is not None:
            response = self._post(self._log_in(until), body, until)
        if response.status == UNAUTHORIZED:
            self._token = None
        classify_rest_response(response.status, response.text, self._target)

    def _post(self, token: Secret, body: bytes, until: float) -> HttpResponse:
        return _post_signal(self._target, token, body, self._options, _compute_timeout(until))

    def _log_in(self, until: float) -> Secret:
        target, self._token = self._target, None
        request = HttpRequest("POST", target.login_url, target.keystone, _build_login_body(target))
        response = send_request(request, self._options, _compute_timeout(until))
        classify_login_response(response.status, target)
        if response.token is None or not is_valid_header_value(response.token.reveal()):
            raise HandleUnreachable(
                f"{target.keystone} returned no token: is there a proxy or captive portal in between?"
            )
        self._token = response.token
        return response.token


def _post_signal(
    target: TokenTarget | HeatTarget, token: Secret, body: bytes, options: HttpOptions, seconds: float
) -> HttpResponse:
    request = HttpRequest("POST", target.url, target.host, body, {"X-Auth-Token": token})
    return send_request(request, options, seconds)


def _build_login_body(target: HeatTarget) -> bytes:
    # The id of a user needs no domain.
    user = {"id": target.user, "password": target.password.reveal()}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"id": target.project}}
    return json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()


def _compute_timeout(until: float) -> float:
    return max(TIMEOUT_MIN_S, until - time.monotonic())
