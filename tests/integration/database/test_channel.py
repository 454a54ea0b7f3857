"""Channels between real servers: pointed, started, refused, torn."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.database.connection import over_socket
from guestagent.database.edge import Database
from guestagent.database.failures import Kind, Place
from guestagent.database.gtid import History
from guestagent.database.sourceview import TcpSourceView
from guestagent.database.sql import sql
from guestagent.database.state import (
    ChannelState,
    Endpoint,
    Receiver,
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
from guestagent.embedded.servers import Flavour
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.integration.database.following import (
    PASSWORD,
    REPLICATOR,
    certificate,
    channel_of,
    follow,
    point,
    until,
)
from tests.integration.database.spoken import SPOKEN, Spoken, only
from tests.integration.servers import Server, running

LONGEST = max(spoken.longest for spoken in SPOKEN.values())

pytestmark = pytest.mark.every_server


class TestCatchingUp:
    def test_it_ends_once_the_channel_has_applied_what_was_asked_for(
        self, source: Server, replica: Database
    ) -> None:
        source.ask("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
        with closing(source.open()) as other:
            wanted = other.observe().history
        replica.apply(point(source))
        replica.apply(StartChannel())

        replica.catch_up(wanted, 30)

        assert replica.observe().history.contains(wanted)

    def test_it_ends_by_itself_where_nothing_comes(self, source: Server, replica: Database) -> None:
        source.ask("CREATE DATABASE d")
        with closing(source.open()) as other:
            wanted = other.observe().history

        replica.catch_up(wanted, 0.1)

        assert not replica.observe().history.contains(wanted)


class TestServer:
    def test_read_only_is_set_and_lifted(self, database: Database) -> None:
        database.apply(SetReadOnly(True))
        on = database.observe().read_only
        database.apply(SetReadOnly(False))

        assert on
        assert not database.observe().read_only

    def test_a_lock_of_somebody_else_is_not_waited_for_too_long(self, server: Server) -> None:
        server.ask("CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
        with (
            closing(over_socket(server.socket, "root", 5)) as other,
            closing(server.open(timeout=2)) as database,
        ):
            other.rows(sql("LOCK TABLES d.t WRITE"), "locking")

            with pytest.raises(DatabaseRefused, match="1205"):
                database.apply(SetReadOnly(True))

            assert not database.observe().read_only

    def test_a_server_id_counts_from_the_next_statement_on(self, server: Server, database: Database) -> None:
        database.apply(SetServerId(4_000_000_000))
        database.apply(CreateMarker())

        state = database.observe()

        assert state.server_id == 4_000_000_000
        assert str(state.history) == own(server, state, 1)

    def test_steps_on_a_replica_write_nothing_to_its_log(
        self, source: Server, replica: Database, second: Server
    ) -> None:
        before = second.position()

        for step in (SetReadOnly(True), SetServerId(7), point(source), StopChannel()):
            replica.apply(step)

        assert second.position() == before
        assert replica.observe().history.empty


def observe_without_lag(replica: Database, wanted: History) -> ServerState:
    """Return a look at a replica that holds `wanted` and has no lag. A later look may show a lag of a second again."""
    looks: list[ServerState] = []

    def has_no_lag() -> bool:
        looks.append(replica.observe())
        channel = looks[-1].channel
        return looks[-1].history.contains(wanted) and channel is not None and channel.lag == 0

    until(has_no_lag)
    return looks[-1]


class TestChannel:
    def test_a_replica_follows_and_holds_what_the_source_has(self, source: Server, replica: Database) -> None:
        replica.apply(SetReadOnly(True))
        follow(replica, source)
        source.ask("CREATE DATABASE shop", "CREATE TABLE shop.t (a INT)", "INSERT INTO shop.t VALUES (42)")
        wanted = TcpSourceView(5).look("127.0.0.1", source.port, REPLICATOR.name, PASSWORD).history
        assert wanted is not None

        state = observe_without_lag(replica, wanted)

        assert state.schemas == ("shop",)
        assert not state.history.beyond(wanted)
        assert state.channel is not None
        assert replace(state.channel, source_id=0) == ChannelState(
            Endpoint("127.0.0.1", source.port, REPLICATOR.name), True, Receiver.RUNNING, applier=True, lag=0
        )

    def test_the_source_sees_who_follows(self, source: Server, database: Database, replica: Database) -> None:
        follow(replica, source)

        until(lambda: database.observe().followers == (2,))

    def test_a_stopped_channel_knows_no_lag(self, source: Server, replica: Database) -> None:
        follow(replica, source)

        replica.apply(StopChannel())

        channel = channel_of(replica)
        assert channel.stopped
        assert channel.lag is None
        assert (channel.receiver_error, channel.applier_error) == (None, None)

    def test_starting_and_stopping_twice_is_once(self, source: Server, replica: Database) -> None:
        follow(replica, source)

        replica.apply(StartChannel())
        replica.apply(StopChannel())
        replica.apply(StopChannel())

        assert channel_of(replica).stopped

    def test_stopping_what_does_not_exist_is_no_error(self, replica: Database) -> None:
        replica.apply(StopChannel())

        assert replica.observe().channel is None

    def test_a_running_channel_is_not_pointed_elsewhere(
        self, source: Server, replica: Database, spoken: Spoken
    ) -> None:
        follow(replica, source)

        with pytest.raises(DatabaseRefused) as refused:
            replica.apply(point(source))

        assert refused.value.number == spoken.runs

    def test_pointing_again_forgets_tls_and_takes_the_new_password(
        self, source: Server, replica: Database
    ) -> None:
        replica.apply(
            replace(point(source, Secret("wrong")), tls=True, tls_ca="/no/such/ca.pem", tls_verify=True)
        )
        with_tls = channel_of(replica).endpoint.tls

        follow(replica, source)

        assert with_tls
        assert not channel_of(replica).endpoint.tls

    @pytest.mark.parametrize(
        "password", ["it's", "back\\slash'\\", "pässwörd→", 'do"uble', "%s{0}", "x" * LONGEST]
    )
    def test_a_channel_logs_in_with_any_password(
        self, source: Server, database: Database, replica: Database, spoken: Spoken, password: str
    ) -> None:
        password = password[: spoken.longest]
        database.apply(SetPassword(REPLICATOR, Secret(password)))

        replica.apply(point(source, Secret(password)))
        replica.apply(StartChannel())

        until(lambda: channel_of(replica).receiver is Receiver.RUNNING)

    def test_a_wrong_password_is_retried_and_seen(self, source: Server, replica: Database) -> None:
        replica.apply(point(source, Secret("wrong")))
        replica.apply(StartChannel())
        until(lambda: channel_of(replica).receiver_error is not None)

        channel = channel_of(replica)

        assert channel.receiver is Receiver.CONNECTING
        assert (channel.applier, channel.lag) == (True, None)
        assert channel.receiver_error is not None
        assert channel.receiver_error.number == 1045
        assert replica.dialect.diagnose(channel.receiver_error, Place.CONNECTING).kind is Kind.RETRY

    def test_an_unreachable_source_is_retried_and_seen(self, replica: Database) -> None:
        replica.apply(PointChannel("127.0.0.1", 1, "slave0000", PASSWORD))
        replica.apply(StartChannel())
        until(lambda: channel_of(replica).receiver_error is not None)

        error = channel_of(replica).receiver_error

        assert error is not None
        assert "nothing listens" in replica.dialect.diagnose(error, Place.CONNECTING).meaning

    def test_an_equal_server_id_is_repaired_by_another_one(
        self, source: Server, replica: Database, spoken: Spoken
    ) -> None:
        replica.apply(SetServerId(1))
        replica.apply(point(source))
        replica.apply(StartChannel())
        until(lambda: channel_of(replica).receiver is Receiver.STOPPED)
        error = channel_of(replica).receiver_error
        assert error is not None

        for step in (StopChannel(), SetServerId(2), StartChannel()):
            replica.apply(step)

        assert error.number == spoken.equal_ids
        assert replica.dialect.diagnose(error, Place.RECEIVING).kind is Kind.REPAIR
        until(lambda: channel_of(replica).receiver is Receiver.RUNNING)

    def test_a_channel_that_lost_its_relay_logs_follows_again_after_a_start(
        self, source: Server, torn: Server
    ) -> None:
        with closing(torn.open()) as replica:
            if source.flavour.family == "mariadb":
                with pytest.raises(DatabaseRefused, match="1201"):
                    replica.apply(StartChannel())
                assert replica.observe().channel is None
                replica.apply(point(source))

            replica.apply(StartChannel())

            until(lambda: channel_of(replica).receiver is Receiver.RUNNING and channel_of(replica).applier)

    def test_a_channel_that_lost_its_relay_logs_can_be_pointed_at_once(
        self, source: Server, torn: Server
    ) -> None:
        with closing(torn.open()) as replica:
            follow(replica, source)

    @only("mariadb")
    def test_one_server_id_of_two_replicas_shows_in_the_one_that_is_evicted(
        self, source: Server, replica: Database, empty: Path, tmp_path: Path
    ) -> None:
        follow(replica, source)
        with (
            running(tmp_path / "twin", empty, "server-id=2", flavour=source.flavour) as twin,
            closing(twin.open()) as other,
        ):
            other.apply(point(source))
            other.apply(StartChannel())

            until(lambda: any(_evicted(each) for each in (replica, other)))

    def test_local_writes_of_a_replica_are_beyond_its_source(
        self, source: Server, replica: Database, second: Server
    ) -> None:
        follow(replica, source)
        second.ask("CREATE DATABASE errant")
        look = TcpSourceView(5).look("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
        assert look.history is not None

        history = replica.observe().history

        # MariaDB goes on counting where the source's transactions end.
        assert history.beyond(look.history).startswith(own(second, replica.observe(), 1).removesuffix("1"))

    def test_a_failed_statement_is_told_without_its_text(
        self, source: Server, replica: Database, second: Server
    ) -> None:
        second.ask("SET sql_log_bin = 0", "CREATE USER app")
        follow(replica, source)
        source.ask("CREATE USER app IDENTIFIED BY 'in-the-clear'")

        until(lambda: channel_of(replica).applier_error is not None)

        error = channel_of(replica).applier_error
        assert error is not None
        assert error.number == 1396
        assert "in-the-clear" not in str(error)
        assert replica.dialect.diagnose(error, Place.APPLYING).kind is Kind.FAIL

    def test_a_source_without_a_binary_log_is_named(
        self, replica: Database, flavour: Flavour, empty: Path, tmp_path: Path
    ) -> None:
        with running(tmp_path / "mute", empty, "server-id=3", "skip-log-bin", flavour=flavour) as mute:
            with closing(mute.open()) as database:
                database.apply(CreateMarker())
                database.apply(CreateAccount(REPLICATOR, PASSWORD))
                assert not database.observe().binary_log
            look = TcpSourceView(5).look("127.0.0.1", mute.port, REPLICATOR.name, PASSWORD)
            replica.apply(point(mute))
            replica.apply(StartChannel())
            until(lambda: channel_of(replica).receiver is Receiver.STOPPED)
            error = channel_of(replica).receiver_error

        assert look.binary_log is False
        assert error is not None
        assert "no binary log" in replica.dialect.diagnose(error, Place.RECEIVING).meaning


def own(server: Server, state: ServerState, number: int) -> str:
    """The server's own transaction of this number, as its family spells it."""
    return f"{state.uuid}:{number}" if server.flavour.family == "mysql" else f"0-{state.server_id}-{number}"


def _evicted(replica: Database) -> bool:
    error = channel_of(replica).receiver_error
    return error is not None and "one server id" in replica.dialect.diagnose(error, Place.CONNECTING).meaning


@only("mysql")
class TestMysqlChannel:
    def test_a_server_id_and_read_only_outlive_a_restart_but_writable_does_not(
        self, flavour: Flavour, empty: Path, tmp_path: Path
    ) -> None:
        with running(tmp_path / "s", empty, "server-id=5", "super-read-only=1", flavour=flavour) as server:
            with closing(server.open()) as database:
                database.apply(SetServerId(55))
                database.apply(SetReadOnly(False))
                written = database.observe()
            server.stop()
            server.start()
            with closing(server.open()) as database:
                restarted = database.observe()

        assert (written.read_only, written.restricted, written.server_id) == (False, False, 55)
        assert (restarted.read_only, restarted.restricted, restarted.server_id) == (True, False, 55)

    def test_a_replica_stays_closed_over_a_restart_without_any_option_file(
        self, flavour: Flavour, empty: Path, tmp_path: Path
    ) -> None:
        with running(tmp_path / "s", empty, "server-id=5", flavour=flavour) as server:
            with closing(server.open()) as database:
                database.apply(SetReadOnly(True))
            server.stop()
            server.start()

            assert (server.value("@@super_read_only"), server.value("@@read_only")) == ("1", "1")

    def test_a_copied_identity_is_named(
        self, source: Server, replica: Database, second: Server, empty: Path, tmp_path: Path
    ) -> None:
        with running(tmp_path / "twin", empty, "server-id=9", flavour=source.flavour) as twin:
            twin.stop()
            identity = source.folder / "data" / "auto.cnf"
            (twin.folder / "data" / "auto.cnf").write_bytes(identity.read_bytes())
            twin.start()
            with closing(twin.open()) as other:
                other.apply(point(source))
                other.apply(StartChannel())
                until(lambda: channel_of(other).receiver is Receiver.STOPPED)
                error = channel_of(other).receiver_error
                look = TcpSourceView(5).look("127.0.0.1", source.port, REPLICATOR.name, PASSWORD)
                assert look.uuid == other.observe().uuid

        assert error is not None
        assert "same server_uuid" in replica.dialect.diagnose(error, Place.RECEIVING).meaning

    def test_an_applier_error_is_the_workers_own(
        self, source: Server, replica: Database, second: Server
    ) -> None:
        second.ask("SET sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
        second.ask("SET sql_log_bin = 0", "INSERT INTO d.t VALUES (1)")
        source.ask("SET sql_log_bin = 0", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
        follow(replica, source)

        source.ask("INSERT INTO d.t VALUES (1)")
        until(lambda: not channel_of(replica).applier)

        error = channel_of(replica).applier_error
        assert error is not None
        assert error.number == 1062
        assert "Duplicate entry" in error.text

    def test_a_source_that_turned_gtids_off_is_seen(self, server: Server, database: Database) -> None:
        server.ask("SET GLOBAL gtid_mode = ON_PERMISSIVE")

        off = database.observe().gtid
        server.ask("SET GLOBAL gtid_mode = ON")

        assert not off
        assert database.observe().gtid

    def test_a_damaged_relay_log_is_fetched_again_by_a_start(
        self, source: Server, flavour: Flavour, empty: Path, tmp_path: Path
    ) -> None:
        options = ("server-id=4", "relay-log=relay")
        with (
            running(tmp_path / "damaged", empty, *options, flavour=flavour) as server,
            closing(server.open()) as replica,
        ):
            follow(replica, source)
            server.ask("STOP REPLICA SQL_THREAD")
            source.ask("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
            until(lambda: b"INSERT" in newest(server).read_bytes() or newest(server).stat().st_size > 900)
            damage(newest(server))
            server.ask("START REPLICA SQL_THREAD")
            until(lambda: channel_of(replica).applier_error is not None)
            error = channel_of(replica).applier_error

            replica.apply(StartChannel())

            assert error is not None
            assert replica.dialect.diagnose(error, Place.APPLYING).kind is Kind.REPAIR
            until(lambda: replica.observe().schemas == ("d",) and channel_of(replica).applier)


def newest(server: Server) -> Path:
    return max((server.folder / "data").glob("relay.0*"))


def damage(relay_log: Path) -> None:
    """Forty bytes of its last event."""
    with relay_log.open("r+b") as file:
        file.seek(-60, 2)
        file.write(b"\xff" * 40)


class TestTls:
    def test_a_channel_over_tls_runs_and_says_so(
        self, certified: tuple[Server, str], replica: Database
    ) -> None:
        server, ca = certified

        replica.apply(replace(point(server), tls=True, tls_ca=ca, tls_verify=True))
        replica.apply(StartChannel())

        until(lambda: channel_of(replica).receiver is Receiver.RUNNING)
        assert channel_of(replica).endpoint.tls

    def test_a_look_over_tls_verifies_the_source(self, certified: tuple[Server, str], tmp_path: Path) -> None:
        server, ca = certified
        other, _ = certificate(tmp_path, "other")
        view = TcpSourceView(5)

        plain = view.look("127.0.0.1", server.port, REPLICATOR.name, PASSWORD, Tls(required=False))
        offered = view.look("127.0.0.1", server.port, REPLICATOR.name, PASSWORD)
        verified = view.look("127.0.0.1", server.port, REPLICATOR.name, PASSWORD, Tls(ca=Path(ca).read_text()))
        misled = view.look("127.0.0.1", server.port, REPLICATOR.name, PASSWORD, Tls(ca=Path(other).read_text()))

        assert (offered.error, offered.tls) == (None, True)
        # A MySQL is looked at over TLS all the same: see over_tcp.
        assert (plain.error.number if plain.error else None) == (
            None if server.flavour.family == "mysql" else 1045
        )
        assert verified.error is None
        assert misled.error is not None
        assert misled.error.number == 2026
