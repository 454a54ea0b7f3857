"""A source and its replica, whose replication password a test changes, and the passwords."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pymysql

from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import ReceiverState, ServerError
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.support.agent_guest import AgentGuest, build_replica_document, build_source_document
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.server_reset_statements import RESET_STATEMENTS

OLD, NEW = "the-old-password-in-clear", "the-new-password-in-clear"
FOREIGN, THIRD = "the-password-of-somebody-else", "the-third-password-in-clear"
# By hand, a person replaces the password and retains the current one, or adds a second password.
REPLACE_PASSWORD = {
    "mariadb": "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('{foreign}')"
    " OR mysql_native_password USING PASSWORD('{own}')",
    "mysql": "ALTER USER slave0000 IDENTIFIED BY '{foreign}' RETAIN CURRENT PASSWORD",
}
ADD_PASSWORD = {
    "mariadb": "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('{own}')"
    " OR mysql_native_password USING PASSWORD('{foreign}')",
    "mysql": "ALTER USER slave0000 IDENTIFIED BY '{foreign}'; "
    "ALTER USER slave0000 IDENTIFIED BY '{own}' RETAIN CURRENT PASSWORD",
}


@dataclass
class Pair:
    """A source and its replica over verified TLS, and the documents of their generations."""

    source: AgentGuest
    replica: AgentGuest
    ca: str
    log_length: int
    rejections: list[str] = field(default_factory=list)

    def build_source(self, password: str, generation: int, **section: Any) -> dict[str, Any]:
        document = build_source_document(TLS={"CA": self.ca}, Generation=generation, **section)
        return document | {"Users": [{"name": "slave0000", "password": password}]}

    def build_replica(self, password: str, generation: int, **section: Any) -> dict[str, Any]:
        tls = {"CA": self.ca}
        return build_replica_document(
            self.source.server.port, password, TLS=tls, Generation=generation, **({"Deadline": 30} | section)
        )

    def reconnect(self) -> None:
        """Kill the replication connection, and check that the replica reconnects without being rejected."""
        dumps = RESET_STATEMENTS[self.source.server.flavour.family].dumps
        before = {row["id"] for row in self.source.server.execute(dumps)}
        for number in before:
            with suppress(pymysql.MySQLError):
                self.source.server.execute(f"KILL {number}")

        def is_back() -> bool:
            with closing(self.replica.server.open()) as database:
                channel = database.observe().channel
            assert channel is not None
            if channel.receiver_error is not None:
                self.rejections += (
                    [str(channel.receiver_error)] if channel.receiver_error.number == 1045 else []
                )
            now = {row["id"] for row in self.source.server.execute(dumps)} - before
            return channel.receiver is ReceiverState.RUNNING and bool(now)

        wait_until(is_back)
        assert self.rejections == []
        assert "Access denied" not in self.replica.server.read_log()[self.log_length :]

    def login(self, password: str) -> ServerError | None:
        view = TcpSourceProbe(5)
        tls = Tls(ca=self.ca)
        return view.probe("127.0.0.1", self.source.server.port, "slave0000", Secret(password), tls).error

    def check_logins(self, *passwords: str) -> list[bool]:
        return [self.login(password) is None for password in passwords]

    def change_by_hand(self, statements: Mapping[str, str], own_password: str = OLD) -> None:
        """Change the account on the source, as a person does."""
        text = statements[self.source.server.flavour.family].format(foreign=FOREIGN, own=own_password)
        self.source.server.execute(*text.split("; "))


@contextmanager
def insert_rows_meanwhile(server: DatabaseServer) -> Iterator[None]:
    """Insert rows on the server until the block ends."""
    is_done = threading.Event()

    def write() -> None:
        while not is_done.wait(0.02):
            server.execute("INSERT INTO d.t VALUES ()")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()
