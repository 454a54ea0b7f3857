"""A look at a source over TCP: whatever listens there, it is an answer."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import (
    ServerError,
    SourceState,
)
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    create_certificate,
    wait_until,
)

pytestmark = pytest.mark.every_server


def packet(number: int, payload: bytes) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


GREETING = packet(
    0,
    b"\x0a11.4.2-MariaDB\0" + struct.pack("<I", 7) + b"saltsalt\0"
    # Capabilities: 4.1, secure connection, plugin authentication.
    + struct.pack("<HBHHB", 0x8200, 45, 2, 0x0008, 21) + bytes(10) + b"saltsaltsalt\0" + b"mysql_native_password\0",
)  # fmt: skip


@contextmanager
def stranger(*says: bytes, told: list[bytes] | None = None) -> Iterator[int]:
    """A port on which somebody speaks who is no database server; between two sayings it listens (`told`)."""
    heard = [] if told is None else told
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            with suppress(OSError):
                caller, _ = listener.accept()
                with caller:
                    for said in says:
                        caller.sendall(said)
                        if said is not says[-1] or told is not None:
                            heard.append(caller.recv(4096))

        thread = threading.Thread(target=speak)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def look_at(view: TcpSourceProbe, source: DatabaseServer) -> SourceState:
    return view.probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)


def test_a_look_tells_since_when_the_source_runs_and_how_often_it_was_reset(source: DatabaseServer) -> None:
    before = look_at(TcpSourceProbe(5), source)
    source.execute("RESET MASTER" if source.flavour.family == "mariadb" else "RESET BINARY LOGS AND GTIDS")

    after = look_at(TcpSourceProbe(5), source)

    assert before.start_time is not None
    assert after.start_time is not None
    assert abs(after.start_time - before.start_time) <= 1
    assert after.reset_count == before.reset_count + 1


def sessions(source: DatabaseServer) -> list[str]:
    """Ids of those that the replication account has."""
    rows = source.execute("SHOW PROCESSLIST")
    return [str(row["Id"]) for row in rows if row["User"] == REPLICATOR.name]


class TestSourceView:
    @pytest.mark.parametrize(
        "greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\0", b"\xff" * 99]
    )
    def test_whatever_listens_is_an_error_of_the_look_at_most(self, greeting: bytes) -> None:
        with stranger(greeting) as port:
            look = TcpSourceProbe(0.5).probe("127.0.0.1", port, "u", Secret("x"))

        assert look.error is not None
        assert look.error.number in {2003, 2006, 2013}

    @pytest.mark.parametrize("way", [b"mysql_clear_password", b"mysql_old_password", b"dialog"])
    def test_whoever_asks_for_the_password_in_clear_gets_none(self, way: bytes) -> None:
        told: list[bytes] = []
        switch = b"\xfe" + way + b"\0" + b"\x05Password: "
        with stranger(GREETING, packet(2, switch), told=told) as port:
            look = TcpSourceProbe(0.5).probe("127.0.0.1", port, "u", PASSWORD)

        assert look.error is not None
        assert look.error.number == 2059
        assert b"u\0" in told[0]
        assert PASSWORD.reveal().encode() not in b"".join(told)

    def test_a_name_that_does_not_resolve_is_an_error_of_the_look(self) -> None:
        look = TcpSourceProbe(2).probe("no-such-host.invalid", 3306, "u", Secret("x"))

        assert look.error is not None
        assert look.error.number == 2003

    def test_a_password_that_is_no_text_is_an_error_of_the_look(self, source: DatabaseServer) -> None:
        look = TcpSourceProbe(2).probe("127.0.0.1", source.port, REPLICATOR.name, Secret("\ud800"))

        assert look.error == ServerError(2000, "a text that is not valid Unicode")

    def test_a_missing_ca_is_an_error_of_the_look(self, source: DatabaseServer) -> None:
        look = TcpSourceProbe(2).probe(
            "127.0.0.1", source.port, REPLICATOR.name, PASSWORD, tls=Tls(ca="no certificate")
        )

        assert look.error is not None

    def test_a_source_without_tls_gets_no_password_where_tls_is_wanted(
        self, source: DatabaseServer, tmp_path: Path
    ) -> None:
        ca, _ = create_certificate(tmp_path, "ca")

        look = TcpSourceProbe(2).probe(
            "127.0.0.1", source.port, REPLICATOR.name, PASSWORD, Tls(ca=Path(ca).read_text())
        )

        assert look.error is not None
        assert "SSL" in look.error.text

    @pytest.mark.parametrize(
        ("user", "password", "number"),
        [("slave0000", "wrong", 1045), ("nobody", "x", 1045), ("slave0000", "", 1045)],
    )
    def test_a_refused_login_is_an_error_of_the_look(
        self, source: DatabaseServer, user: str, password: str, number: int
    ) -> None:
        look = TcpSourceProbe(5).probe("127.0.0.1", source.port, user, Secret(password))

        assert look.error is not None
        assert look.error.number == number

    def test_the_replication_account_sees_identity_and_history(
        self, source: DatabaseServer, database: Database
    ) -> None:
        look = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)

        state = database.observe()
        assert (look.server_id, look.binary_log, look.history) == (1, True, state.history)
        assert look.version == state.version
        assert look.error is None

    def test_looks_of_one_pass_share_a_session_and_see_what_is_new(
        self, source: DatabaseServer, database: Database
    ) -> None:
        view = TcpSourceProbe(5)

        with view.reuse_session():
            first = look_at(view, source)
            one = sessions(source)
            source.execute("CREATE DATABASE d")
            second = look_at(view, source)
            two = sessions(source)

        assert one == two
        assert len(one) == 1
        assert second.history == database.observe().history != first.history
        wait_until(lambda: sessions(source) == [])

    def test_a_session_that_was_lost_is_replaced(self, source: DatabaseServer) -> None:
        view = TcpSourceProbe(5)

        with view.reuse_session():
            look_at(view, source)
            source.execute(f"KILL {sessions(source)[0]}")
            seen = look_at(view, source)

        assert seen.error is None

    def test_another_password_is_another_session(self, source: DatabaseServer) -> None:
        view = TcpSourceProbe(5)

        with view.reuse_session():
            look_at(view, source)
            wrong = view.probe("127.0.0.1", source.port, REPLICATOR.name, Secret("wrong"))

        assert wrong.error is not None
        assert wrong.error.number == 1045

    def test_a_port_where_nobody_listens_is_an_error_of_the_look(self) -> None:
        look = TcpSourceProbe(1).probe("127.0.0.1", 1, "u", Secret("x"))

        assert look.error == ServerError(2003, look.error.text if look.error else "")
        assert "Connection refused" in str(look.error)
