"""Servers that hang, are killed or do not exist: an error within the timeout."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.database.detect import open_database
from guestagent.database.login import connect_socket
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.sql_statement import sql
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    SetReadOnly,
)
from guestagent.embedded.database_servers import Flavour
from guestagent.errors import DatabaseUnreachable
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
)
from tests.support.small_disk import fill_disk, mount_small_disk

pytestmark = pytest.mark.every_server


class TestUnresponsiveServer:
    def test_a_hung_server_is_unreachable_within_the_timeout(self, server: DatabaseServer) -> None:
        with closing(server.open(timeout=0.5)) as database:
            server.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            with pytest.raises(DatabaseUnreachable, match="timed out"):
                database.observe()
            taken = time.monotonic() - started
            server.send_signal(signal.SIGCONT)

        assert taken < 5.0

    def test_a_login_to_a_hung_server_ends_within_the_timeout(self, server: DatabaseServer) -> None:
        server.send_signal(signal.SIGSTOP)
        started = time.monotonic()

        with pytest.raises(DatabaseUnreachable):
            server.open(timeout=0.5)

        taken = time.monotonic() - started
        server.send_signal(signal.SIGCONT)
        assert taken < 5.0

    def test_a_hung_source_is_an_error_of_the_probe(self, source: DatabaseServer) -> None:
        source.send_signal(signal.SIGSTOP)

        source_state = TcpSourceProbe(0.5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)

        source.send_signal(signal.SIGCONT)
        assert source_state.error is not None
        assert source_state.error.number == 2013

    def test_a_full_disk_is_reported(self, flavour: Flavour, data_template: Path, tmp_path: Path) -> None:
        with (
            mount_small_disk(tmp_path / "disk", 64) as disk,
            open_server(
                tmp_path / "s", data_template, "server-id=9", f"log-bin={disk}/log", flavour=flavour
            ) as stuck,
        ):
            stuck.execute("CREATE DATABASE d", "CREATE TABLE d.t (v LONGBLOB)")
            fill_disk(disk / "filler")
            with closing(connect_socket(stuck.socket, "root", 1)) as writer:
                with pytest.raises(DatabaseUnreachable, match="timed out"):
                    writer.fetch_rows(sql("INSERT INTO d.t VALUES ({})", "x" * 6_000), "writing")
                with (
                    closing(stuck.open()) as database,
                    pytest.raises(DatabaseUnreachable, match="the disk is full"),
                ):
                    database.observe()
            stuck.stop(signal.SIGKILL)

    def test_a_missing_socket_is_unreachable(self, tmp_path: Path) -> None:
        with pytest.raises(DatabaseUnreachable, match="No such file"):
            open_database(str(tmp_path / "none"), 1.0)

    def test_a_server_that_is_killed_between_two_calls_is_unreachable(
        self, flavour: Flavour, data_template: Path, tmp_path: Path
    ) -> None:
        with open_server(tmp_path / "mortal", data_template, "server-id=9", flavour=flavour) as mortal:
            database = mortal.open()
            mortal.stop(signal.SIGKILL)

            with pytest.raises(DatabaseUnreachable):
                database.observe()
            with pytest.raises(DatabaseUnreachable):
                database.apply(SetReadOnly(True))

    def test_a_killed_server_has_the_same_state_after_a_restart(
        self, flavour: Flavour, data_template: Path, tmp_path: Path
    ) -> None:
        with open_server(tmp_path / "mortal", data_template, "server-id=9", flavour=flavour) as mortal:
            with closing(mortal.open()) as database:
                database.apply(CreateMarker())
                database.apply(CreateAccount(REPLICATOR, PASSWORD))
                before = database.observe()
            mortal.stop(signal.SIGKILL)
            mortal.start()

            with closing(mortal.open()) as database:
                assert database.observe() == before
