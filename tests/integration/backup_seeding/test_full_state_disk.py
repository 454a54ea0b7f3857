"""A disk without room for the seed's own state, and a worker that is killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.agent.seed_control import has_room
from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.donor_process import DonorProcess
from tests.support.polling import wait_until
from tests.support.seed_sources import read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica
from tests.support.small_disk import fill_disk, mount_tiny_disk

pytestmark = pytest.mark.patient

SLOW_MIB = 15
REASON = "state.json: No space left on device; free some space"


@pytest.fixture
def replica(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> Iterator[SeededReplica]:
    """An empty replica whose agent's state is on a disk of its own."""
    folder = tmp_path / "replica"
    folder.mkdir()
    endpoint = donor.build_endpoint()
    with (
        mount_tiny_disk(folder / "state", "256k"),
        open_replica(folder, data_template, flavour, SeedMethod.BACKUP, endpoint) as replica,
    ):
        yield replica


def test_a_worker_waits_for_room_and_goes_on(
    source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.change_request(rate_limit=SLOW_MIB)
    replica.start_worker()
    replica.wait_for_bytes()
    filler = fill_disk(replica.folder / "state" / "filler")
    wait_until(lambda: REASON in replica.log)
    replica.kill_worker()
    before = replica.log.count(REASON)
    replica.start_worker()
    wait_until(lambda: replica.log.count(REASON) > before)
    had_room = has_room(replica.folder / "state")

    filler.unlink()

    state = replica.wait_for_worker()
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert not had_room
    assert "Traceback" not in replica.log
    assert replica.log.count("going on with the seed that was cut while transferring") == 1
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)
