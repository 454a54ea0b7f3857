"""What goes wrong during a seed by a backup stream: the donor, the source, the disk, the proofs of both ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer
from tests.support.donor_process import DonorProcess
from tests.support.polling import wait_until
from tests.support.processes import kill
from tests.support.seed_sources import PASSWORD_END, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica
from tests.support.small_disk import fill_disk, mount_small_disk

SLOW_MIB = 15
"""A limit in MiB/s with which a stream takes long enough for something to happen meanwhile."""


@pytest.fixture
def slow_donor(donor: DonorProcess) -> DonorProcess:
    donor.rate_limit = SLOW_MIB
    donor.configure("Replica0001", "Replica0002")
    return donor


@pytest.mark.patient
def test_a_backup_or_a_donor_that_is_killed_is_asked_again(
    source: DatabaseServer, slow_donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.start_worker()
    replica.wait_for(SeedPhase.TRANSFERRING)
    wait_until(lambda: bool(slow_donor.list_backups()))
    for pid in slow_donor.list_backups():
        kill(pid)
    replica.wait_for(SeedPhase.TRANSFERRING, "the backup has failed at the source")
    slow_donor.kill()
    replica.wait_for_failure("no connection")
    slow_donor.start()

    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert state.attempts >= 3
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)


@pytest.mark.patient
def test_a_replica_whose_server_is_killed_gets_its_data(
    source: DatabaseServer, slow_donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.start_worker()
    replica.wait_for(SeedPhase.TRANSFERRING)
    replica.kill_server()

    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)


def test_a_donor_that_is_stopped_leaves_nothing_behind(
    slow_donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.start_worker()
    wait_until(lambda: bool(slow_donor.list_backups()))

    status = slow_donor.stop()

    assert status == 0
    assert slow_donor.list_backups() == []
    assert sorted(path.name for path in slow_donor.folder.iterdir()) == ["donor.json", "donor.log"]


@pytest.mark.patient
def test_a_donor_ends_with_its_configuration(slow_donor: DonorProcess, replica: SeededReplica) -> None:
    replica.start_worker()
    wait_until(lambda: bool(slow_donor.list_backups()))

    slow_donor.path.unlink()

    assert slow_donor.wait() == 0
    assert slow_donor.list_backups() == []


@pytest.mark.patient
def test_a_replica_that_the_source_does_not_know_yet_waits(
    donor: DonorProcess, replica: SeededReplica
) -> None:
    donor.configure("Replica0002")
    replica.start_worker()
    replica.wait_for_failure("knows no joining replica")

    donor.configure("Replica0001", "Replica0002")

    assert replica.wait_for_worker().phase is SeedPhase.DONE


@pytest.mark.parametrize("proof", ["fingerprint", "authority", "none"])
def test_a_donor_that_does_not_prove_itself_gets_no_password(
    donor: DonorProcess, replica: SeededReplica, authority: CertificateAuthority, proof: str
) -> None:
    other_ca = authority.other_ca.ca.read_text()
    changes: dict[str, dict[str, object]] = {
        "fingerprint": {"fingerprint": "0" * 64},
        "authority": {"fingerprint": "", "ca": other_ca, "verifies_name": True},
        "none": {"fingerprint": ""},
    }
    replica.change_donor(**changes[proof])

    state = replica.seed()

    assert (state.phase, state.attempts) == (SeedPhase.FAILED, 1), (state, replica.log)
    assert "Replica0001" not in donor.log
    assert replica.server.query_value("1") == "1"


@pytest.mark.patient
def test_a_donor_with_a_certificate_of_the_authority_is_accepted(
    donor: DonorProcess, replica: SeededReplica, authority: CertificateAuthority
) -> None:
    replica.change_donor(fingerprint="", ca=authority.text, verifies_name=True)

    assert replica.seed().phase is SeedPhase.DONE, replica.log


@pytest.fixture
def cramped_replica(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess, size_mib: int
) -> Iterator[SeededReplica]:
    """An empty replica on a small disk."""
    with (
        mount_small_disk(tmp_path / "disk", size_mib) as disk,
        open_replica(disk, data_template, flavour, SeedMethod.BACKUP, donor.build_endpoint()) as replica,
    ):
        shutil.rmtree(disk / "lost+found")
        yield replica


@pytest.mark.parametrize("size_mib", [200])
def test_a_disk_that_is_too_small_is_noticed_before_the_transfer(cramped_replica: SeededReplica) -> None:
    state = cramped_replica.seed()

    assert (state.phase, state.bytes_done) == (SeedPhase.FAILED, 0), (state, cramped_replica.log)
    assert "MiB are free" in state.failure
    assert cramped_replica.server.query_value("1") == "1"


@pytest.mark.patient
@pytest.mark.parametrize("size_mib", [420])
@pytest.mark.parametrize("is_killed", [False, True], ids=["kept", "killed"])
def test_a_disk_that_fills_up_meanwhile_delays_the_seed(
    cramped_replica: SeededReplica, slow_donor: DonorProcess, is_killed: bool
) -> None:
    """The disk has the worker's state, too. What has come holds the room that a new worker needs for that."""
    replica = cramped_replica
    replica.start_worker()
    replica.wait_for_bytes()
    if is_killed:
        replica.kill_worker()
    filler = fill_disk(replica.folder / "filler")
    if is_killed:
        replica.start_worker()
    wait_until(lambda: replica.log.count("another attempt") >= 2)
    answer = replica.server.query_value("1")

    filler.unlink()

    state = replica.wait_for_worker()
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert answer == "1"
    assert "No space left on device" in replica.log or "MiB are free" in replica.log
    assert "Traceback" not in replica.log


def test_no_password_is_in_a_command_line_an_environment_or_a_log(
    slow_donor: DonorProcess, replica: SeededReplica
) -> None:
    replica.start_worker()
    wait_until(lambda: bool(slow_donor.list_backups()))

    processes = find_in_processes(PASSWORD_END)
    slow_donor.rate_limit = 0
    slow_donor.configure("Replica0001")
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE
    assert processes == []
    files = [*slow_donor.folder.rglob("*"), *replica.server.folder.rglob("*")]
    assert [file.name for file in files if holds(file, PASSWORD_END)] == ["donor.json"]


def find_in_processes(secret: bytes) -> list[Path]:
    """List the command lines and environments of all processes that hold the secret."""
    folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    paths = [folder / name for folder in folders for name in ("cmdline", "environ")]
    return [path for path in paths if holds(path, secret)]


def holds(path: Path, secret: bytes) -> bool:
    try:
        return path.is_file() and secret in path.read_bytes()
    except OSError:  # a process that has ended
        return False
