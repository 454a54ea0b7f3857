"""Channels between real servers that fail: their errors, and what repairs them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from guestagent.database.error_diagnosis import FailureKind, FailureStage
from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import ReceiverState
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    PointChannel,
    SetServerId,
    StartChannel,
    StopChannel,
)
from guestagent.embedded.database_servers import Flavour
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import FamilyStatements, limit_to_family
from tests.support.polling import wait_until
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    build_point_channel,
    read_channel,
    start_replication,
)

pytestmark = pytest.mark.every_server


class TestChannelErrors:
    def test_a_wrong_password_is_retried_and_reported(
        self, source: DatabaseServer, replica: Database
    ) -> None:
        replica.apply(build_point_channel(source, Secret("wrong")))
        replica.apply(StartChannel())
        wait_until(lambda: read_channel(replica).receiver_error is not None)

        channel = read_channel(replica)

        assert channel.receiver is ReceiverState.CONNECTING
        assert (channel.is_applier_running, channel.lag) == (True, None)
        assert channel.receiver_error is not None
        assert channel.receiver_error.number == 1045
        assert (
            replica.dialect.diagnose_error(channel.receiver_error, FailureStage.CONNECTING).kind
            is FailureKind.RETRY
        )

    def test_an_unreachable_source_is_retried_and_reported(self, replica: Database) -> None:
        replica.apply(PointChannel("127.0.0.1", 1, "slave0000", PASSWORD))
        replica.apply(StartChannel())
        wait_until(lambda: read_channel(replica).receiver_error is not None)

        error = read_channel(replica).receiver_error

        assert error is not None
        assert "nothing listens" in replica.dialect.diagnose_error(error, FailureStage.CONNECTING).meaning

    def test_an_equal_server_id_is_repaired_by_another_one(
        self, source: DatabaseServer, replica: Database, family_statements: FamilyStatements
    ) -> None:
        replica.apply(SetServerId(1))
        replica.apply(build_point_channel(source))
        replica.apply(StartChannel())
        wait_until(lambda: read_channel(replica).receiver is ReceiverState.STOPPED)
        error = read_channel(replica).receiver_error
        assert error is not None

        for step in (StopChannel(), SetServerId(2), StartChannel()):
            replica.apply(step)

        assert error.number == family_statements.equal_server_ids_error
        assert replica.dialect.diagnose_error(error, FailureStage.RECEIVING).kind is FailureKind.REPAIR
        wait_until(lambda: read_channel(replica).receiver is ReceiverState.RUNNING)

    @limit_to_family("mariadb")
    def test_two_replicas_with_one_server_id_evict_each_other(
        self, source: DatabaseServer, replica: Database, data_template: Path, tmp_path: Path
    ) -> None:
        start_replication(replica, source)
        with (
            open_server(tmp_path / "twin", data_template, "server-id=2", flavour=source.flavour) as twin,
            closing(twin.open()) as other,
        ):
            other.apply(build_point_channel(source))
            other.apply(StartChannel())

            wait_until(lambda: any(is_evicted(each) for each in (replica, other)))

    def test_the_error_of_a_failed_statement_does_not_quote_it(
        self, source: DatabaseServer, replica: Database, replica_server: DatabaseServer
    ) -> None:
        replica_server.execute("SET sql_log_bin = 0", "CREATE USER app")
        start_replication(replica, source)
        source.execute("CREATE USER app IDENTIFIED BY 'in-the-clear'")

        wait_until(lambda: read_channel(replica).applier_error is not None)

        error = read_channel(replica).applier_error
        assert error is not None
        assert error.number == 1396
        assert "in-the-clear" not in str(error)
        assert replica.dialect.diagnose_error(error, FailureStage.APPLYING).kind is FailureKind.FAIL

    def test_a_source_without_a_binary_log_is_diagnosed(
        self, replica: Database, flavour: Flavour, data_template: Path, tmp_path: Path
    ) -> None:
        with open_server(
            tmp_path / "mute", data_template, "server-id=3", "skip-log-bin", flavour=flavour
        ) as mute:
            with closing(mute.open()) as database:
                database.apply(CreateMarker())
                database.apply(CreateAccount(REPLICATOR, PASSWORD))
                assert not database.observe().binary_log
            source_state = TcpSourceProbe(5).probe("127.0.0.1", mute.port, REPLICATOR.name, PASSWORD)
            replica.apply(build_point_channel(mute))
            replica.apply(StartChannel())
            wait_until(lambda: read_channel(replica).receiver is ReceiverState.STOPPED)
            error = read_channel(replica).receiver_error

        assert source_state.binary_log is False
        assert error is not None
        assert "no binary log" in replica.dialect.diagnose_error(error, FailureStage.RECEIVING).meaning


def is_evicted(replica: Database) -> bool:
    error = read_channel(replica).receiver_error
    return (
        error is not None
        and "one server id" in replica.dialect.diagnose_error(error, FailureStage.CONNECTING).meaning
    )
