"""Seeds by a dump of real sources, with a writer on them."""

from __future__ import annotations

from guestagent.seeding import SeedPhase
from tests.support.database_servers import READ_ONLY_VARIABLES, DatabaseServer
from tests.support.dump_nodes import PASSWORD, DumpReplica, read_checksums, read_definitions
from tests.support.seed_nodes import run_writer


def test_a_replica_gets_all_rows_and_objects_under_writes(
    source: DatabaseServer, replica: DumpReplica
) -> None:
    with run_writer(source):
        replica.start_worker()
        state = replica.wait_for_worker()
        assert state.phase is SeedPhase.DONE, (state, replica.log)

    replica.follow_source()
    assert read_checksums(replica.server) == read_checksums(source)
    assert read_definitions(replica.server) == read_definitions(source)
    assert replica.server.query_value(f"@@{READ_ONLY_VARIABLES[source.flavour.family]}") == "1"
    assert replica.server.query_value("@@event_scheduler") == "ON"
    off, tick = replica.server.execute(
        "SELECT status AS status FROM information_schema.events WHERE event_name IN ('off', 'tick')"
        " ORDER BY event_name"
    )
    assert off["status"] == "DISABLED"
    assert "SIDE_DISABLED" in str(tick["status"])
    assert not list(replica.data.glob("guestagent-seed*"))


def test_the_password_is_in_no_log(source: DatabaseServer, replica: DumpReplica) -> None:
    replica.start_worker()
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    word = PASSWORD.reveal()[-9:].encode()
    assert word not in replica.server.read_all_logs()
    assert word not in replica.log.encode()
