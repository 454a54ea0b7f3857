"""Seeds into a data directory that is a mount: a folder of a volume, or a file system of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from guestagent.seeding import SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.donor_process import DonorProcess
from tests.support.polling import wait_until
from tests.support.seed_sources import read_checksums
from tests.support.seeded_replica import SeededReplica
from tests.support.small_disk import mount_small_disk, mount_tiny_disk

VOLUME_MIB = 420


def run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True)


@pytest.mark.patient
def test_a_data_directory_on_a_volume_keeps_its_mount(
    tmp_path: Path, source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    with mount_small_disk(tmp_path / "volume", VOLUME_MIB) as volume:
        replica.stop_server()
        shutil.move(replica.data, volume / "mysql")
        replica.data.mkdir()
        run("mount", "--bind", volume / "mysql", replica.data)
        replica.start_server()
        replica.kill_worker_at("prepared")
        (folder,) = volume.glob("guestagent-seed-*")

        state = replica.seed()

        assert (state.phase, folder.exists()) == (SeedPhase.DONE, False), (state, replica.log)
        assert replica.data.samefile(volume / "mysql")
        replica.follow_source(source)
        assert read_checksums(replica.server) == read_checksums(source)
        replica.stop_server()
        run("umount", replica.data)


@pytest.mark.patient
def test_a_data_directory_that_is_a_file_system_is_seeded_from_inside(
    tmp_path: Path, source: DatabaseServer, donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.stop_server()
    shutil.move(replica.data, tmp_path / "old")
    with mount_small_disk(replica.data, VOLUME_MIB) as data:
        for path in (tmp_path / "old").iterdir():
            shutil.move(path, data)
        replica.start_server()

        state = replica.seed()

        assert state.phase is SeedPhase.DONE, (state, replica.log)
        assert (data / "lost+found").is_dir()
        assert [*data.glob("guestagent-seed*")] == []
        replica.follow_source(source)
        assert read_checksums(replica.server) == read_checksums(source)
        replica.stop_server()
        wait_until(lambda: not replica.server.is_accepting_logins())


@pytest.mark.patient
def test_a_mount_inside_the_data_directory_is_refused(replica: SeededReplica) -> None:
    replica.stop_server()
    with mount_tiny_disk(replica.data / "archive", "64k") as archive:
        replica.start_server()

        state = replica.seed()

        replica.stop_server()
    assert (state.phase, state.bytes_done) == (SeedPhase.FAILED, 0), (state, replica.log)
    assert f"{archive} is mounted inside the data directory" in state.failure


@pytest.mark.patient
def test_a_data_directory_that_is_a_link_stays_one(
    tmp_path: Path, source: DatabaseServer, replica: SeededReplica
) -> None:
    replica.stop_server()
    shutil.move(replica.data, tmp_path / "elsewhere")
    replica.data.symlink_to(tmp_path / "elsewhere")
    replica.start_server()

    state = replica.seed()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert replica.data.readlink() == tmp_path / "elsewhere"
    assert not [*tmp_path.glob("guestagent-seed*"), *replica.folder.glob("guestagent-seed*")]
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)
