"""Probing a source over TCP: any failure is in the returned state."""

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
from tests.support.certificates import create_certificate
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
)

pytestmark = pytest.mark.every_server


def build_packet(number: int, payload: bytes) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


GREETING = build_packet(
    0,
    b"\x0a11.4.2-MariaDB\0" + struct.pack("<I", 7) + b"saltsalt\0"
    # Capabilities: 4.1, secure connection, plugin authentication.
    + struct.pack("<HBHHB", 0x8200, 45, 2, 0x0008, 21) + bytes(10) + b"saltsaltsalt\0" + b"mysql_native_password\0",
)  # fmt: skip


@contextmanager
def serve_bytes(*messages: bytes, received: list[bytes] | None = None) -> Iterator[int]:
    """Serve a port with these messages, and read into `received` between two of them."""
    messages_received = [] if received is None else received
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send_messages() -> None:
            with suppress(OSError):
                client, _ = listener.accept()
                with client:
                    for message in messages:
                        client.sendall(message)
                        if message is not messages[-1] or received is not None:
                            messages_received.append(client.recv(4096))

        thread = threading.Thread(target=send_messages)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def probe_source(probe: TcpSourceProbe, source: DatabaseServer) -> SourceState:
    return probe.probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)


def test_a_probe_reads_start_time_and_reset_count(source: DatabaseServer) -> None:
    before = probe_source(TcpSourceProbe(5), source)
    source.execute("RESET MASTER" if source.flavour.family == "mariadb" else "RESET BINARY LOGS AND GTIDS")

    after = probe_source(TcpSourceProbe(5), source)

    assert before.start_time is not None
    assert after.start_time is not None
    assert abs(after.start_time - before.start_time) <= 1
    assert after.reset_count == before.reset_count + 1


def list_sessions(source: DatabaseServer) -> list[str]:
    """Return the ids of the replication account's sessions."""
    rows = source.execute("SHOW PROCESSLIST")
    return [str(row["Id"]) for row in rows if row["User"] == REPLICATOR.name]


class TestSourceProbe:
    @pytest.mark.parametrize(
        "greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\0", b"\xff" * 99]
    )
    def test_any_other_service_is_an_error_of_the_probe(self, greeting: bytes) -> None:
        with serve_bytes(greeting) as port:
            source_state = TcpSourceProbe(0.5).probe("127.0.0.1", port, "u", Secret("x"))

        assert source_state.error is not None
        assert source_state.error.number in {2003, 2006, 2013}

    @pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"mysql_old_password", b"dialog"])
    def test_a_password_is_never_sent_in_clear(self, plugin: bytes) -> None:
        received: list[bytes] = []
        switch = b"\xfe" + plugin + b"\0" + b"\x05Password: "
        with serve_bytes(GREETING, build_packet(2, switch), received=received) as port:
            source_state = TcpSourceProbe(0.5).probe("127.0.0.1", port, "u", PASSWORD)

        assert source_state.error is not None
        assert source_state.error.number == 2059
        assert b"u\0" in received[0]
        assert PASSWORD.reveal().encode() not in b"".join(received)

    def test_an_unresolved_name_is_an_error_of_the_probe(self) -> None:
        source_state = TcpSourceProbe(2).probe("no-such-host.invalid", 3306, "u", Secret("x"))

        assert source_state.error is not None
        assert source_state.error.number == 2003

    def test_a_password_that_is_not_valid_unicode_is_an_error_of_the_probe(
        self, source: DatabaseServer
    ) -> None:
        source_state = TcpSourceProbe(2).probe("127.0.0.1", source.port, REPLICATOR.name, Secret("\ud800"))

        assert source_state.error == ServerError(2000, "a text that is not valid Unicode")

    def test_an_unreadable_ca_is_an_error_of_the_probe(self, source: DatabaseServer) -> None:
        source_state = TcpSourceProbe(2).probe(
            "127.0.0.1", source.port, REPLICATOR.name, PASSWORD, tls=Tls(ca="no certificate")
        )

        assert source_state.error is not None

    def test_a_source_without_tls_gets_no_password_if_tls_is_required(
        self, source: DatabaseServer, tmp_path: Path
    ) -> None:
        ca, _ = create_certificate(tmp_path, "ca")

        source_state = TcpSourceProbe(2).probe(
            "127.0.0.1", source.port, REPLICATOR.name, PASSWORD, Tls(ca=Path(ca).read_text())
        )

        assert source_state.error is not None
        assert "SSL" in source_state.error.text

    @pytest.mark.parametrize(
        ("user", "password", "number"),
        [("slave0000", "wrong", 1045), ("nobody", "x", 1045), ("slave0000", "", 1045)],
    )
    def test_a_rejected_login_is_an_error_of_the_probe(
        self, source: DatabaseServer, user: str, password: str, number: int
    ) -> None:
        source_state = TcpSourceProbe(5).probe("127.0.0.1", source.port, user, Secret(password))

        assert source_state.error is not None
        assert source_state.error.number == number

    def test_the_replication_account_reads_identity_and_history(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source_state = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)

        state = database.observe()
        assert (source_state.server_id, source_state.binary_log, source_state.history) == (
            1,
            True,
            state.history,
        )
        assert source_state.version == state.version
        assert source_state.error is None

    def test_probes_of_one_pass_share_a_session_and_read_new_values(
        self, source: DatabaseServer, database: Database
    ) -> None:
        probe = TcpSourceProbe(5)

        with probe.reuse_session():
            first = probe_source(probe, source)
            first_sessions = list_sessions(source)
            source.execute("CREATE DATABASE d")
            second = probe_source(probe, source)
            second_sessions = list_sessions(source)

        assert first_sessions == second_sessions
        assert len(first_sessions) == 1
        assert second.history == database.observe().history != first.history
        wait_until(lambda: list_sessions(source) == [])

    def test_a_lost_session_is_replaced(self, source: DatabaseServer) -> None:
        probe = TcpSourceProbe(5)

        with probe.reuse_session():
            probe_source(probe, source)
            source.execute(f"KILL {list_sessions(source)[0]}")
            source_state = probe_source(probe, source)

        assert source_state.error is None

    def test_another_password_needs_another_session(self, source: DatabaseServer) -> None:
        probe = TcpSourceProbe(5)

        with probe.reuse_session():
            probe_source(probe, source)
            rejected = probe.probe("127.0.0.1", source.port, REPLICATOR.name, Secret("wrong"))

        assert rejected.error is not None
        assert rejected.error.number == 1045

    def test_a_closed_port_is_an_error_of_the_probe(self) -> None:
        source_state = TcpSourceProbe(1).probe("127.0.0.1", 1, "u", Secret("x"))

        assert source_state.error == ServerError(2003, source_state.error.text if source_state.error else "")
        assert "Connection refused" in str(source_state.error)
