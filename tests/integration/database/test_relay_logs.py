"""Channels between real servers whose relay logs are lost or damaged."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from guestagent.database.error_diagnosis import FailureKind, FailureStage
from guestagent.database.state import ReceiverState
from guestagent.database.steps import StartChannel
from guestagent.embedded.database_servers import Flavour
from guestagent.errors import DatabaseRefused
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import limit_to_family
from tests.support.polling import wait_until
from tests.support.replication import build_point_channel, read_channel, start_replication

pytestmark = pytest.mark.every_server


class TestLostRelayLogs:
    def test_a_channel_without_relay_logs_replicates_again_after_a_start(
        self, source: DatabaseServer, replica_without_relay_logs: DatabaseServer
    ) -> None:
        with closing(replica_without_relay_logs.open()) as replica:
            if source.flavour.family == "mariadb":
                with pytest.raises(DatabaseRefused, match="1201"):
                    replica.apply(StartChannel())
                assert replica.observe().channel is None
                replica.apply(build_point_channel(source))

            replica.apply(StartChannel())

            wait_until(
                lambda: (
                    read_channel(replica).receiver is ReceiverState.RUNNING
                    and read_channel(replica).is_applier_running
                )
            )

    def test_a_channel_without_relay_logs_can_be_pointed(
        self, source: DatabaseServer, replica_without_relay_logs: DatabaseServer
    ) -> None:
        with closing(replica_without_relay_logs.open()) as replica:
            start_replication(replica, source)


@limit_to_family("mysql")
class TestDamagedRelayLog:
    def test_a_damaged_relay_log_is_fetched_again_after_a_start(
        self, source: DatabaseServer, flavour: Flavour, data_template: Path, tmp_path: Path
    ) -> None:
        options = ("server-id=4", "relay-log=relay")
        with (
            open_server(tmp_path / "damaged", data_template, *options, flavour=flavour) as server,
            closing(server.open()) as replica,
        ):
            start_replication(replica, source)
            server.execute("STOP REPLICA SQL_THREAD")
            source.execute("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
            wait_until(
                lambda: (
                    b"INSERT" in find_newest_relay_log(server).read_bytes()
                    or find_newest_relay_log(server).stat().st_size > 900
                )
            )
            damage_relay_log(find_newest_relay_log(server))
            server.execute("START REPLICA SQL_THREAD")
            wait_until(lambda: read_channel(replica).applier_error is not None)
            error = read_channel(replica).applier_error

            replica.apply(StartChannel())

            assert error is not None
            assert replica.dialect.diagnose_error(error, FailureStage.APPLYING).kind is FailureKind.REPAIR
            wait_until(
                lambda: replica.observe().schemas == ("d",) and read_channel(replica).is_applier_running
            )


def find_newest_relay_log(server: DatabaseServer) -> Path:
    return max((server.folder / "data").glob("relay.0*"))


def damage_relay_log(relay_log: Path) -> None:
    """Overwrite forty bytes of its last event."""
    with relay_log.open("r+b") as file:
        file.seek(-60, 2)
        file.write(b"\xff" * 40)
