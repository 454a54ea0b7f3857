"""What only a real MySQL does: persisted variables, server UUIDs, errors of workers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from guestagent.database.error_diagnosis import FailureStage
from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import ReceiverState
from guestagent.database.steps import SetReadOnly, SetServerId, StartChannel
from guestagent.embedded.database_servers import Flavour
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import limit_to_family
from tests.support.polling import wait_until
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    build_point_channel,
    read_channel,
    start_replication,
)

pytestmark = pytest.mark.every_server


@limit_to_family("mysql")
class TestMysqlChannel:
    def test_server_id_and_read_only_survive_a_restart_but_writable_does_not(
        self, flavour: Flavour, data_template: Path, tmp_path: Path
    ) -> None:
        with open_server(
            tmp_path / "s", data_template, "server-id=5", "super-read-only=1", flavour=flavour
        ) as server:
            with closing(server.open()) as database:
                database.apply(SetServerId(55))
                database.apply(SetReadOnly(False))
                written = database.observe()
            server.stop()
            server.start()
            with closing(server.open()) as database:
                restarted = database.observe()

        assert (written.read_only, written.is_restricted, written.server_id) == (False, False, 55)
        assert (restarted.read_only, restarted.is_restricted, restarted.server_id) == (True, False, 55)

    def test_a_replica_stays_read_only_after_a_restart_without_option_file(
        self, flavour: Flavour, data_template: Path, tmp_path: Path
    ) -> None:
        with open_server(tmp_path / "s", data_template, "server-id=5", flavour=flavour) as server:
            with closing(server.open()) as database:
                database.apply(SetReadOnly(True))
            server.stop()
            server.start()

            assert (server.query_value("@@super_read_only"), server.query_value("@@read_only")) == ("1", "1")

    def test_a_copied_server_uuid_is_diagnosed(
        self,
        source: DatabaseServer,
        replica: Database,
        replica_server: DatabaseServer,
        data_template: Path,
        tmp_path: Path,
    ) -> None:
        with open_server(tmp_path / "twin", data_template, "server-id=9", flavour=source.flavour) as twin:
            twin.stop()
            identity = source.folder / "data" / "auto.cnf"
            (twin.folder / "data" / "auto.cnf").write_bytes(identity.read_bytes())
            twin.start()
            with closing(twin.open()) as other:
                other.apply(build_point_channel(source))
                other.apply(StartChannel())
                wait_until(lambda: read_channel(other).receiver is ReceiverState.STOPPED)
                error = read_channel(other).receiver_error
                source_state = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
                assert source_state.uuid == other.observe().uuid

        assert error is not None
        assert "same server_uuid" in replica.dialect.diagnose_error(error, FailureStage.RECEIVING).meaning

    def test_an_applier_error_is_the_error_of_the_worker(
        self, source: DatabaseServer, replica: Database, replica_server: DatabaseServer
    ) -> None:
        replica_server.execute(
            "SET sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)"
        )
        replica_server.execute("SET sql_log_bin = 0", "INSERT INTO d.t VALUES (1)")
        source.execute("SET sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
        start_replication(replica, source)

        source.execute("INSERT INTO d.t VALUES (1)")
        wait_until(lambda: not read_channel(replica).is_applier_running)

        error = read_channel(replica).applier_error
        assert error is not None
        assert error.number == 1062
        assert "Duplicate entry" in error.text

    def test_a_source_with_gtids_off_is_observed(self, server: DatabaseServer, database: Database) -> None:
        server.execute("SET GLOBAL gtid_mode = ON_PERMISSIVE")

        off = database.observe().gtid
        server.execute("SET GLOBAL gtid_mode = ON")

        assert not off
        assert database.observe().gtid
