"""What a replica remembers of a source that it has not caught up with."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.divergence import Divergence, Sighting, find_sighting
from tests.support.agent_states import build_channel, build_server, build_source_state
from tests.support.divergences import HERE, OTHER, UUID, build_mysql, build_mysql_source, detect


def test_a_source_that_has_lost_what_it_had_shown_has_gone_back_in_time() -> None:
    replica, before, now = (
        build_server("0-7-5", channel=build_channel()),
        build_source_state("0-7-20"),
        build_source_state("0-7-12"),
    )

    divergence = detect(replica, now, find_sighting(HERE, replica, before))

    assert divergence == Divergence(HERE, lost="0-7-20", history="0-7-12")


def test_a_source_that_goes_on_from_what_it_had_shown_is_the_same() -> None:
    replica, before = build_server("0-7-5", channel=build_channel()), build_source_state("0-7-20")

    assert detect(replica, build_source_state("0-7-21"), find_sighting(HERE, replica, before)) is None


def test_nothing_is_remembered_of_a_source_whose_replica_has_caught_up() -> None:
    assert find_sighting(HERE, build_server("0-7-20"), build_source_state("0-7-20")) is None


def test_of_a_long_history_the_newest_transaction_of_each_origin_is_remembered() -> None:
    many = ":".join(f"{n}" for n in range(1, 40001, 2))
    at = replace(HERE, uuid=UUID)

    sighting = find_sighting(at, build_mysql(f"{UUID}:1-7"), build_mysql_source(f"{UUID}:{many},{OTHER}:1-9"))

    assert sighting == Sighting(at, f"{UUID}:39999,{OTHER}:9")


def test_a_promoted_mysql_at_the_same_address_need_not_have_what_the_replica_never_had() -> None:
    replica = build_mysql(f"{UUID}:1-5", channel=build_channel())
    sighting = find_sighting(replace(HERE, uuid=UUID), replica, build_mysql_source(f"{UUID}:1-20"))

    promoted = build_mysql_source(f"{UUID}:1-6,{OTHER}:1-2", uuid=OTHER)

    assert detect(replica, promoted, sighting, replace(HERE, uuid=OTHER)) is None


def test_a_blank_replica_contradicts_nobody() -> None:
    sighting = Sighting(HERE, "0-7-9")

    assert detect(build_server(), build_source_state("0-7-2"), sighting) is None
