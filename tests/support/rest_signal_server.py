"""A Keystone and a Heat REST API on one port: the user of one handle, its tokens, and the signals received."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from guestagent.metadata.document import HotHandle
from guestagent.secret import Secret
from tests.support.cfn_signal_server import SIGNATURE, ReceivedRequest
from tests.support.http_server import SilentHandler, serve_requests

SIGNAL = "/v1/p1/stacks/s/1/resources/Handle/signal"
LOGIN = "/v3/auth/tokens?nocatalog"
TOKEN = f"token-{SIGNATURE}-"
PASSWORD = f"password-{SIGNATURE}"
Reply = tuple[int, bytes]


@dataclass(slots=True)
class RestSignalServer:
    """A reply that is set replaces the correct one. `tokens` are those that are valid.

    `logins` are the requests to Keystone, `signals` those to Heat.
    """

    address: str
    heat_reply: Reply | None = None
    keystone_reply: Reply | None = None
    tokens: list[str] = field(default_factory=list)
    logins: list[ReceivedRequest] = field(default_factory=list)
    signals: list[ReceivedRequest] = field(default_factory=list)

    @property
    def account_handle(self) -> HotHandle:
        """The handle of the transport HEAT_SIGNAL: a user with a password."""
        return _build_handle(
            auth_url=f"{self.address}/v3",
            username="s-Handle-abc",
            user_id="u1",
            password=PASSWORD,
            project_id="p1",
            domain_id="d1",
            region_name="RegionOne",
            alarm_url=self.address + SIGNAL,
        )

    def build_token_handle(self, token: str) -> HotHandle:
        """The handle of the transport TOKEN_SIGNAL: a token and an endpoint."""
        return _build_handle(token=token, endpoint=self.address + SIGNAL)

    def revoke_tokens(self) -> None:
        """Make Heat reject every token issued so far."""
        self.tokens.clear()

    def handle_request(self, request: ReceivedRequest) -> tuple[Reply, str]:
        """Return the reply, and the token that it issues."""
        if request.request_line.split()[1] == LOGIN:
            self.logins.append(request)
            if self.keystone_reply is not None:
                return self.keystone_reply, ""
            user = json.loads(request.body)["auth"]["identity"]["password"]["user"]
            if user != {"id": "u1", "password": PASSWORD}:
                return (401, b"{}"), ""
            self.tokens.append(f"{TOKEN}{len(self.logins)}")
            return (201, b'{"token": {}}'), self.tokens[-1]
        self.signals.append(request)
        if self.heat_reply is not None:
            return self.heat_reply, ""
        return ((200, b"null") if request.headers.get("X-Auth-Token") in self.tokens else (401, b"")), ""


def _build_handle(**document: object) -> HotHandle:
    return HotHandle(Secret(json.dumps(document)))


@contextmanager
def open_rest_signal_server() -> Iterator[RestSignalServer]:
    """Serve Keystone and Heat on one port."""

    class Handler(SilentHandler):
        def do_POST(self) -> None:  # noqa: N802 - http.server calls it
            (status, content), token = server.handle_request(
                ReceivedRequest(self.requestline, dict(self.headers), self.read_body())
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if token:
                self.send_header("X-Subject-Token", token)
            self.end_headers()
            self.wfile.write(content)

    server = RestSignalServer(address="")
    with serve_requests(Handler) as port:
        server.address = f"http://127.0.0.1:{port}"
        yield server
