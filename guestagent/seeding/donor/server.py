"""The donor service: it listens while its configuration exists, and serves each connection in a thread."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from guestagent.errors import DatabaseError, SeedError, StorageError
from guestagent.seeding.donor.configuration import DonorConfiguration, read_configuration, read_lease_stamp
from guestagent.seeding.donor.connections import ConnectionTable, DonorConnection
from guestagent.seeding.donor.environment import DonorEnvironment, build_server_context
from guestagent.seeding.donor.lease import Lease
from guestagent.seeding.donor.login_limit import LoginLimit
from guestagent.seeding.donor.session import DonorState, Session
from guestagent.seeding.donor.stream_queue import StreamQueue
from guestagent.strict_json import UnreadableContent

ACCEPT_INTERVAL_S = 0.5
RETRY_INTERVAL_S = 2.0
END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ListenerKey:
    """What a listener is made from: another one is opened when this changes."""

    port: int
    certificate: str
    key: object

    @classmethod
    def from_configuration(cls, configuration: DonorConfiguration) -> ListenerKey:
        return cls(configuration.port, configuration.certificate, configuration.key)


class DonorServer:
    """The service. `is_stopping` is asked often; streams end when it is, or when the configuration goes.

    When the lease of the configuration is over, streams go on to their end, and no connection is accepted.
    """

    def __init__(self, path: Path, environment: DonorEnvironment, is_stopping: Callable[[], bool]) -> None:
        self._path, self._environment, self._is_stopping = path, environment, is_stopping
        self._connections, self._lease = ConnectionTable(), Lease()
        self._state = DonorState(
            environment, StreamQueue(), LoginLimit(), self._connections, self._read_wanted
        )
        self._threads: list[threading.Thread] = []

    def serve(self) -> None:
        """Serve until no replica joins any more, or the service is stopped. No process is left then."""
        try:
            while (configuration := self._read_wanted()) is not None:
                if not self._has_lease(configuration):
                    if not self._connections.has_replicas:
                        self._environment.log(
                            "the agent has not renewed the configuration: the port is closed"
                        )
                        return
                    self._environment.clock.sleep(ACCEPT_INTERVAL_S)
                    continue
                try:
                    self._listen(configuration)
                except (SeedError, StorageError, DatabaseError, OSError) as error:
                    self._environment.log(f"the donor cannot listen: {error}")
                    self._environment.clock.sleep(RETRY_INTERVAL_S)
        finally:
            self._connections.drop_pending()
            for thread in self._threads:
                thread.join(END_TIMEOUT_S)

    def _read_wanted(self) -> DonorConfiguration | None:
        """Return the present configuration; None if the service has to end."""
        if self._is_stopping():
            return None
        try:
            return read_configuration(self._path)
        except UnreadableContent as error:
            self._environment.log(f"{self._path} cannot be read: {error}")
            return None

    def _has_lease(self, configuration: DonorConfiguration) -> bool:
        stamp, now = read_lease_stamp(self._path), self._environment.clock.now()
        return self._lease.is_valid(stamp, configuration.lease_s, now)

    def _listen(self, configuration: DonorConfiguration) -> None:
        """Accept connections until the port or the certificate changes, or the service or the lease ends."""
        variables = (
            {} if configuration.certificate else self._environment.read_server_variables(configuration)
        )
        context = build_server_context(configuration, variables)
        key = ListenerKey.from_configuration(configuration)
        with closing(_open_listener(configuration.port)) as listener:
            self._environment.log(f"listening on port {configuration.port}")
            while (present := self._read_wanted()) is not None and self._has_lease(present):
                if ListenerKey.from_configuration(present) != key:
                    return
                with suppress(TimeoutError):
                    stream, address = listener.accept()
                    self._start_session(stream, str(address[0]), context)

    def _start_session(self, stream: socket.socket, address: str, context: ssl.SSLContext) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        stream.settimeout(None)
        connection = DonorConnection.from_socket(stream, address)
        dropped = self._connections.add(connection)
        if dropped is not None:
            self._environment.log(f"{dropped.address}: dropped, because too many have not logged in")
        session = Session(self._state, context, connection)
        thread = threading.Thread(
            target=session.serve, args=(stream,), name=f"session {address}", daemon=True
        )
        thread.start()
        self._threads.append(thread)


def _open_listener(port: int) -> socket.socket:
    """Listen on all addresses of both families, where the machine has them."""
    is_dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual else socket.AF_INET
    listener = socket.create_server(("", port), family=family, dualstack_ipv6=is_dual)
    listener.settimeout(ACCEPT_INTERVAL_S)
    return listener
