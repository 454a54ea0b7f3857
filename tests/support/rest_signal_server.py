"""A Keystone and a Heat REST API on one real socket: one handle's user, its tokens, and the signals that came."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from guestagent.metadata.document import HotHandle
from guestagent.secret import Secret
from tests.support.cfn_signal_server import SIGNATURE, ReceivedRequest

SIGNAL = "/v1/p1/stacks/s/1/resources/Handle/signal"
LOGIN = "/v3/auth/tokens?nocatalog"
TOKEN = f"token-{SIGNATURE}-"
PASSWORD = f"password-{SIGNATURE}"
Reply = tuple[int, bytes]


@dataclass(slots=True)
class RestSignalServer:
    """`heat` and `keystone` answer in place of the right answer where they are set; `tokens` are what is good."""

    address: str
    heat_reply: Reply | None = None
    keystone_reply: Reply | None = None
    tokens: list[str] = field(default_factory=list)
    logins: list[ReceivedRequest] = field(default_factory=list)
    signals: list[ReceivedRequest] = field(default_factory=list)

    @property
    def account_handle(self) -> HotHandle:
        """HEAT_SIGNAL's document."""
        return _hot(
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
        """TOKEN_SIGNAL's token and endpoint."""
        return _hot(token=token, endpoint=self.address + SIGNAL)

    def revoke_tokens(self) -> None:
        """What a token's end looks like."""
        self.tokens.clear()

    def handle_request(self, heard: ReceivedRequest) -> tuple[Reply, str]:
        """The reply, and the token that it gives."""
        if heard.request_line.split()[1] == LOGIN:
            self.logins.append(heard)
            if self.keystone_reply is not None:
                return self.keystone_reply, ""
            user = json.loads(heard.body)["auth"]["identity"]["password"]["user"]
            if user != {"id": "u1", "password": PASSWORD}:
                return (401, b"{}"), ""
            self.tokens.append(f"{TOKEN}{len(self.logins)}")
            return (201, b'{"token": {}}'), self.tokens[-1]
        self.signals.append(heard)
        if self.heat_reply is not None:
            return self.heat_reply, ""
        return ((200, b"null") if heard.headers.get("X-Auth-Token") in self.tokens else (401, b"")), ""


def _hot(**document: object) -> HotHandle:
    return HotHandle(Secret(json.dumps(document)))


@contextmanager
def open_rest_signal_server() -> Iterator[RestSignalServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (status, content), token = rest.handle_request(
                ReceivedRequest(self.requestline, dict(self.headers), body)
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if token:
                self.send_header("X-Subject-Token", token)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    bound = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bound.daemon_threads = True
    rest = RestSignalServer(f"http://127.0.0.1:{bound.server_port}")
    thread = threading.Thread(target=bound.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield rest
    finally:
        bound.shutdown()
        thread.join()
        bound.server_close()
