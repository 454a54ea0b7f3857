"""Seeds by a backup stream from real sources of MariaDB, with a writer on them."""

from __future__ import annotations

from guestagent.seeding import SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.seed_nodes import CHECKSUMS, DonorProcess, SeededReplica, run_writer


def follow_source(replica: SeededReplica, source: DatabaseServer) -> None:
    """Point the channel, as the agent does after a seed, and wait until the replica has everything."""
    replica.server.execute(
        f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='copier', "
        "MASTER_PASSWORD='channel word', MASTER_USE_GTID=slave_pos, MASTER_SSL_VERIFY_SERVER_CERT=0",
        "START SLAVE",
    )
    position = source.query_value("@@gtid_binlog_pos")
    wait_until(lambda: replica.server.query_value(f"MASTER_GTID_WAIT('{position}', 1)") == "0")


def test_a_replica_gets_all_data_under_writes(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    with run_writer(source):
        state = replica.seed()
        assert state.phase is SeedPhase.DONE, (state, replica.log, donor.log)

    follow_source(replica, source)
    assert replica.server.execute(CHECKSUMS) == source.execute(CHECKSUMS)
    assert replica.server.query_value("@@read_only") == "1"
