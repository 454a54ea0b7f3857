"""A WSGI server with a thread a request, of the standard library alone: it runs under OpenStack's own Python."""

import socketserver
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

HOST = "127.0.0.1"


class ThreadedServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, application: object, host: str = HOST) -> None:
        super().__init__((host, port), QuietRequestHandler)
        self.set_app(application)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """As the base class does, without asking for the name of the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


class QuietRequestHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """The log of requests would hold signatures."""
