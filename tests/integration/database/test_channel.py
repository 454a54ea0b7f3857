"""Channels between real servers: pointing, starting, failing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.database.error_diagnosis import FailureKind, FailureStage
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket
from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.sql_statement import sql
from guestagent.database.state import (
    ChannelState,
    Endpoint,
    ReceiverState,
    ServerState,
)
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    PointChannel,
    SetPassword,
    SetReadOnly,
    SetServerId,
    StartChannel,
    StopChannel,
)
from guestagent.embedded.database_servers import Flavour
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.support.certificates import create_certificate
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import STATEMENTS, FamilyStatements, limit_to_family
from tests.support.polling import wait_until
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    build_point_channel,
    read_channel,
    start_replication,
)

LONGEST = max(family_statements.password_length_limit for family_statements in STATEMENTS.values())

pytestmark = pytest.mark.every_server


class TestWaiting:
    def test_waiting_ends_when_the_channel_has_applied_the_history(
        self, source: DatabaseServer, replica: Database
    ) -> None:
        source.execute("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
        with closing(source.open()) as other:
            source_history = other.observe().history
        replica.apply(build_point_channel(source))
        replica.apply(StartChannel())

        replica.wait_for_history(source_history, 30)

        assert replica.observe().history.contains(source_history)

    def test_waiting_ends_after_its_time_limit(self, source: DatabaseServer, replica: Database) -> None:
        source.execute("CREATE DATABASE d")
        with closing(source.open()) as other:
            source_history = other.observe().history

        replica.wait_for_history(source_history, 0.1)

        assert not replica.observe().history.contains(source_history)


class TestServer:
    def test_read_only_is_set_and_lifted(self, database: Database) -> None:
        database.apply(SetReadOnly(True))
        on = database.observe().read_only
        database.apply(SetReadOnly(False))

        assert on
        assert not database.observe().read_only

    def test_waiting_for_a_lock_of_another_session_has_a_limit(self, server: DatabaseServer) -> None:
        server.execute("CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
        with (
            closing(connect_socket(server.socket, "root", 5)) as other,
            closing(server.open(timeout=2)) as database,
        ):
            other.fetch_rows(sql("LOCK TABLES d.t WRITE"), "locking")

            with pytest.raises(DatabaseRefused, match="1205"):
                database.apply(SetReadOnly(True))

            assert not database.observe().read_only

    def test_a_server_id_takes_effect_with_the_next_statement(
        self, server: DatabaseServer, database: Database
    ) -> None:
        database.apply(SetServerId(4_000_000_000))
        database.apply(CreateMarker())

        state = database.observe()

        assert state.server_id == 4_000_000_000
        assert str(state.history) == format_gtid(server, state, 1)

    def test_steps_on_a_replica_write_nothing_to_its_log(
        self, source: DatabaseServer, replica: Database, replica_server: DatabaseServer
    ) -> None:
        before = replica_server.read_position()

        for step in (SetReadOnly(True), SetServerId(7), build_point_channel(source), StopChannel()):
            replica.apply(step)

        assert replica_server.read_position() == before
        assert replica.observe().history.is_empty


def observe_without_lag(replica: Database, source_history: GtidHistory) -> ServerState:
    """Wait until the replica has this history and no lag; return that state. A later one may have a lag again."""
    looks: list[ServerState] = []

    def has_no_lag() -> bool:
        looks.append(replica.observe())
        channel = looks[-1].channel
        return looks[-1].history.contains(source_history) and channel is not None and channel.lag == 0

    wait_until(has_no_lag)
    return looks[-1]


class TestChannel:
    def test_a_replica_applies_the_history_of_its_source(
        self, source: DatabaseServer, replica: Database
    ) -> None:
        replica.apply(SetReadOnly(True))
        start_replication(replica, source)
        source.execute(
            "CREATE DATABASE shop", "CREATE TABLE shop.t (a INT)", "INSERT INTO shop.t VALUES (42)"
        )
        source_history = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD).history
        assert source_history is not None

        state = observe_without_lag(replica, source_history)

        assert state.schemas == ("shop",)
        assert not state.history.format_difference(source_history)
        assert state.channel is not None
        assert replace(state.channel, source_id=0) == ChannelState(
            Endpoint("127.0.0.1", source.port, REPLICATOR.name),
            True,
            ReceiverState.RUNNING,
            is_applier_running=True,
            lag=0,
        )

    def test_the_source_lists_its_replicas(
        self, source: DatabaseServer, database: Database, replica: Database
    ) -> None:
        start_replication(replica, source)

        wait_until(lambda: database.observe().replica_ids == (2,))

    def test_a_stopped_channel_has_no_lag(self, source: DatabaseServer, replica: Database) -> None:
        start_replication(replica, source)

        replica.apply(StopChannel())

        channel = read_channel(replica)
        assert channel.is_stopped
        assert channel.lag is None
        assert (channel.receiver_error, channel.applier_error) == (None, None)

    def test_starting_and_stopping_are_idempotent(self, source: DatabaseServer, replica: Database) -> None:
        start_replication(replica, source)

        replica.apply(StartChannel())
        replica.apply(StopChannel())
        replica.apply(StopChannel())

        assert read_channel(replica).is_stopped

    def test_stopping_without_a_channel_is_no_error(self, replica: Database) -> None:
        replica.apply(StopChannel())

        assert replica.observe().channel is None

    def test_a_running_channel_cannot_be_pointed_at_another_source(
        self, source: DatabaseServer, replica: Database, family_statements: FamilyStatements
    ) -> None:
        start_replication(replica, source)

        with pytest.raises(DatabaseRefused) as refused:
            replica.apply(build_point_channel(source))

        assert refused.value.number == family_statements.channel_runs_error

    def test_pointing_again_removes_tls_and_sets_the_new_password(
        self, source: DatabaseServer, replica: Database
    ) -> None:
        replica.apply(
            replace(
                build_point_channel(source, Secret("wrong")),
                tls=True,
                tls_ca="/no/such/ca.pem",
                tls_verify=True,
            )
        )
        with_tls = read_channel(replica).endpoint.tls

        start_replication(replica, source)

        assert with_tls
        assert not read_channel(replica).endpoint.tls

    @pytest.mark.parametrize(
        "password", ["it's", "back\\slash'\\", "pässwörd→", 'do"uble', "%s{0}", "x" * LONGEST]
    )
    def test_a_channel_logs_in_with_any_password(
        self,
        source: DatabaseServer,
        database: Database,
        replica: Database,
        family_statements: FamilyStatements,
        password: str,
    ) -> None:
        password = password[: family_statements.password_length_limit]
        database.apply(SetPassword(REPLICATOR, Secret(password)))

        replica.apply(build_point_channel(source, Secret(password)))
        replica.apply(StartChannel())

        wait_until(lambda: read_channel(replica).receiver is ReceiverState.RUNNING)

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

    def test_local_writes_of_a_replica_differ_from_its_source(
        self, source: DatabaseServer, replica: Database, replica_server: DatabaseServer
    ) -> None:
        start_replication(replica, source)
        replica_server.execute("CREATE DATABASE errant")
        source_state = TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
        assert source_state.history is not None

        history = replica.observe().history

        # MariaDB continues the numbers of the source.
        assert history.format_difference(source_state.history).startswith(
            format_gtid(replica_server, replica.observe(), 1).removesuffix("1")
        )

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


def format_gtid(server: DatabaseServer, state: ServerState, number: int) -> str:
    """Return the GTID of the server's own transaction with this number."""
    return f"{state.uuid}:{number}" if server.flavour.family == "mysql" else f"0-{state.server_id}-{number}"


def is_evicted(replica: Database) -> bool:
    error = read_channel(replica).receiver_error
    return (
        error is not None
        and "one server id" in replica.dialect.diagnose_error(error, FailureStage.CONNECTING).meaning
    )


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


class TestTls:
    def test_a_channel_over_tls_runs_and_shows_its_options(
        self, tls_source: tuple[DatabaseServer, str], replica: Database
    ) -> None:
        server, ca = tls_source

        replica.apply(replace(build_point_channel(server), tls=True, tls_ca=ca, tls_verify=True))
        replica.apply(StartChannel())

        wait_until(lambda: read_channel(replica).receiver is ReceiverState.RUNNING)
        assert read_channel(replica).endpoint.tls

    def test_a_probe_over_tls_verifies_the_source(
        self, tls_source: tuple[DatabaseServer, str], tmp_path: Path
    ) -> None:
        server, ca = tls_source
        other, _ = create_certificate(tmp_path, "other")
        view = TcpSourceProbe(5)

        plain = view.probe("127.0.0.1", server.port, REPLICATOR.name, PASSWORD, Tls(required=False))
        offered = view.probe("127.0.0.1", server.port, REPLICATOR.name, PASSWORD)
        verified = view.probe(
            "127.0.0.1", server.port, REPLICATOR.name, PASSWORD, Tls(ca=Path(ca).read_text())
        )
        misled = view.probe(
            "127.0.0.1", server.port, REPLICATOR.name, PASSWORD, Tls(ca=Path(other).read_text())
        )

        assert (offered.error, offered.tls) == (None, True)
        # A MySQL is probed over TLS anyway: see greeting.choose_tls_by_greeting.
        assert (plain.error.number if plain.error else None) == (
            None if server.flavour.family == "mysql" else 1045
        )
        assert verified.error is None
        assert misled.error is not None
        assert misled.error.number == 2026
