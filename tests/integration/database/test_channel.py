"""Channels between real servers: pointed, started, stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerState
from guestagent.database.steps import SetPassword, SetReadOnly, StartChannel, StopChannel
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.support.certificates import create_certificate
from tests.support.database_servers import DatabaseServer
from tests.support.family_statements import STATEMENTS, FamilyStatements
from tests.support.polling import wait_until
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    build_point_channel,
    format_gtid,
    read_channel,
    start_replication,
)

LONGEST = max(family_statements.password_length_limit for family_statements in STATEMENTS.values())
pytestmark = pytest.mark.every_server


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
