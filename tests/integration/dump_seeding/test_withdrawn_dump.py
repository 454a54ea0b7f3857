"""A dump that is not wanted any more: what it has loaded is removed, and nothing else."""

from __future__ import annotations

import pytest

from guestagent.seeding import SeedPhase
from guestagent.seeding.dump_runner import POSITION
from tests.support.seeded_replica import SeededReplica

SETTINGS = ("event_scheduler", "log_bin_trust_function_creators", "max_allowed_packet")
SLOW_MIB_S = 16


def read_settings(replica: SeededReplica) -> list[str | None]:
    return [replica.server.query_value(f"@@{name}") for name in SETTINGS]


@pytest.mark.parametrize(
    "point",
    ["bytes", pytest.param(POSITION, marks=pytest.mark.patient)],
)
def test_a_dump_that_is_withdrawn_leaves_an_empty_server(replica: SeededReplica, point: str) -> None:
    settings = read_settings(replica)
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.kill_worker_at(point)

    state = replica.withdraw()

    assert state.is_withdrawn
    assert "shop" not in str(replica.server.execute("SHOW DATABASES"))
    assert replica.server.query_value("(SELECT COUNT(*) FROM mysql.user WHERE user = 'owner')") == "0"
    assert read_settings(replica) == settings
    assert not list(replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_transactions_of_others_are_not_removed_with_a_withdrawn_dump(replica: SeededReplica) -> None:
    replica.change_request(rate_limit=SLOW_MIB_S)
    replica.kill_worker_at("bytes")
    name = "super_read_only" if replica.request.family == "mysql" else "read_only"
    replica.server.execute(f"SET GLOBAL {name} = 0", "CREATE SCHEMA mine")

    state = replica.withdraw()

    assert (state.phase, state.is_withdrawn) == (SeedPhase.FAILED, False)
    assert "withdrawn, and cannot be undone: the server has transactions" in state.failure
    assert "mine" in str(replica.server.execute("SHOW DATABASES"))
