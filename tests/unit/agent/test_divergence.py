"""When a replica has diverged from its source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.divergence import Divergence, SourceIdentity
from guestagent.database.state import ReceiverState, ServerError
from tests.support.agent_states import build_channel, build_server, build_source_state
from tests.support.divergences import (
    AHEAD,
    HERE,
    OTHER,
    UUID,
    build_mysql,
    build_mysql_source,
    build_stopped_server,
    detect,
)


def test_a_replica_that_its_source_contains_has_not_parted() -> None:
    assert detect(build_server("0-7-5", channel=build_channel()), build_source_state("0-7-9")) is None


def test_a_replica_that_is_ahead_of_its_source_has_parted() -> None:
    divergence = detect(build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))

    assert divergence == Divergence(HERE, errant="0-7-9", history="0-7-5")


@pytest.mark.parametrize(
    "error",
    [
        AHEAD,
        ServerError(
            1236, "The binlog on the master is missing the GTID 0-7-5 requested by the slave (even though ..."
        ),
        ServerError(1952, "Unexpected GTID received from master after reconnect"),
    ],
)
def test_a_receiver_rejected_for_its_history_proves_a_divergence_whatever_the_source_has(
    error: ServerError,
) -> None:
    divergence = detect(build_stopped_server(error), build_source_state("0-7-500"))

    assert divergence is not None
    assert str(error.number) in divergence.rejected


@pytest.mark.parametrize(
    "text",
    [
        "Replica has more GTIDs than the source has, using the source's SERVER_UUID",
        "I/O error reading log event; the first event '' at 4, the last event read from './binlog.000001' at 2328",
        "could not find next log; the first event 'binlog.000001' at 4",
    ],
)
def test_a_mysql_that_rejects_the_receiver_for_its_history_has_parted(text: str) -> None:
    stopped = build_channel(
        receiver=ReceiverState.STOPPED, receiver_error=ServerError(13114, f"Got fatal error 1236: '{text}'")
    )

    assert (
        detect(build_mysql(f"{UUID}:1-5", channel=stopped), build_mysql_source(f"{UUID}:1-500")) is not None
    )


@pytest.mark.parametrize(
    "error",
    [
        ServerError(1236, "Could not find GTID state requested by slave"),
        ServerError(0, ""),
        ServerError(1045, ""),
    ],
)
def test_other_errors_of_a_receiver_are_no_parting(error: ServerError) -> None:
    assert detect(build_stopped_server(error), build_source_state("0-7-9")) is None


def test_an_error_of_a_channel_to_another_server_proves_nothing_about_this_source() -> None:
    elsewhere = build_channel("10.0.0.99", receiver=ReceiverState.STOPPED, receiver_error=AHEAD)

    assert detect(build_server("0-7-5", channel=elsewhere), build_source_state("0-7-9")) is None


def test_what_may_wait_for_an_acknowledgement_is_no_parting_yet() -> None:
    replica = build_mysql(f"{UUID}:1-6", channel=build_channel())

    assert detect(replica, build_mysql_source(f"{UUID}:1-5", waiting_session_count=1)) is None
    assert detect(replica, build_mysql_source(f"{UUID}:1-5")) is not None


def test_what_another_server_gave_waits_for_no_acknowledgement() -> None:
    replica = build_mysql(f"{UUID}:1-6,{OTHER}:1", channel=build_channel())

    assert detect(replica, build_mysql_source(f"{UUID}:1-5", waiting_session_count=1)) is not None


def test_a_parting_keeps_little_of_a_long_history() -> None:
    many = ":".join(f"{n}" for n in range(1, 40001, 2))

    divergence = detect(
        build_mysql(f"{UUID}:2", channel=build_channel()), build_mysql_source(f"{UUID}:{many}")
    )

    assert divergence is not None
    assert divergence.errant == f"{UUID}:2"
    assert len(divergence.history) < 400


class TestSameSource:
    def test_a_rebuilt_server_keeps_its_address(self) -> None:
        assert replace(HERE, uuid=UUID).is_same(replace(HERE, uuid=OTHER))

    def test_a_server_that_moved_keeps_its_uuid(self) -> None:
        assert SourceIdentity("10.0.0.7", 3306, UUID).is_same(SourceIdentity("db.example", 3307, UUID))

    def test_a_promoted_server_elsewhere_is_another(self) -> None:
        assert not SourceIdentity("10.0.0.7", 3306, UUID).is_same(SourceIdentity("10.0.0.8", 3306, OTHER))
        assert not HERE.is_same(SourceIdentity("10.0.0.8", 3306))
