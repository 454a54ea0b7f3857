"""What is compared: a seed by backup or clone, and its floor, which copies the same files without a database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from guestagent.embedded.database_servers import build_root_command, copy_data_directory
from guestagent.seeding import SeedMethod, SeedPhase, SeedState
from guestagent.seeding.donor.backup_source import ZSTD_COMMAND
from tests.bench.seed.bench_source import BUFFER_POOL, BenchSource
from tests.bench.seed.floor_stream import FloorPlan
from tests.bench.seed.seed_run import (
    RUN_TIMEOUT_S,
    SeedRun,
    Transfer,
    measure_run,
    read_children_cpu,
    read_process_cpu,
)
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, find_free_port, provide_server_root
from tests.support.donor_process import DonorProcess
from tests.support.seed_sources import build_endpoint, create_donor_account
from tests.support.seeded_replica import SeededReplica

BACKUP, CLONE = "backup", "clone"
METHODS: Mapping[str, str] = {"mariadb": BACKUP, "mysql": CLONE}
UNZSTD_COMMAND = ("zstd", "--quiet", "--decompress", "--stdout")
REPLICA_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "mariadb": ("server-id=2", "read-only=ON"),
    "mysql": ("server-id=2", "super-read-only=1", "skip-replica-start"),
}
NODE = "Replica0001"


def run_floor(source: BenchSource, folder: Path, authority: CertificateAuthority) -> SeedRun:
    """Send the files of the source over its link, with what its method has: TLS, and zstd for a backup."""
    names, data_bytes = folder / "names", source.count_bytes()
    names.write_text("".join(f"{name}\n" for name in source.list_files()))
    root = provide_server_root(source.server.flavour)
    is_compressed = METHODS[source.server.flavour.family] == BACKUP
    plan = FloorPlan(
        host=source.link.address,
        port=find_free_port(),
        certificate=str(authority.valid.certificate),
        key=str(authority.valid.key),
        folder=str(source.data),
        target=str(folder / "copy"),
        names=str(names),
        pack=build_root_command(root, ZSTD_COMMAND) if is_compressed else (),
        unpack=build_root_command(root, UNZSTD_COMMAND) if is_compressed else (),
    )

    def copy_files() -> Transfer:
        sender = subprocess.Popen(
            (*source.link.command_prefix, *plan.build_command("send")), stdout=subprocess.PIPE, text=True
        )
        assert sender.stdout is not None
        assert sender.stdout.readline() == "listening\n"
        before = read_children_cpu()
        output = subprocess.run(
            plan.build_command("receive"), check=True, stdout=subprocess.PIPE, timeout=RUN_TIMEOUT_S
        ).stdout
        replica_cpu = read_children_cpu() - before
        subprocess.run(("sync", "--file-system", plan.target), check=True)
        before = read_children_cpu()
        assert not sender.wait()
        sender.stdout.close()
        return Transfer(json.loads(output)["seconds"], data_bytes, read_children_cpu() - before, replica_cpu)

    return measure_run(source, None, copy_files)


def run_backup(source: BenchSource, folder: Path, authority: CertificateAuthority) -> SeedRun:
    """Seed a MariaDB replica by a backup stream."""
    donor = DonorProcess(source.server, folder, authority.valid, command_prefix=source.link.command_prefix)
    donor.configure(NODE)
    donor.start()
    endpoint = replace(donor.build_endpoint(NODE), host=source.link.address)
    replica = SeededReplica(build_replica(source, folder), SeedMethod.BACKUP, endpoint, NODE)
    try:
        replica.start_server()
        donor_cpu = read_process_cpu(donor.pid)

        def seed() -> Transfer:
            before = read_children_cpu()
            replica.start_worker()
            state = replica.wait_for_worker(RUN_TIMEOUT_S)
            return build_transfer(
                state, replica.log, read_process_cpu(donor.pid) - donor_cpu, read_children_cpu() - before
            )

        return measure_run(source, replica.server.folder, seed)
    finally:
        replica.close()
        donor.stop()


def run_clone(source: BenchSource, folder: Path, authority: CertificateAuthority) -> SeedRun:
    """Seed a MySQL replica by CLONE. The servers do the work, so theirs is the processor time."""
    endpoint = replace(build_endpoint(source.server), host=source.link.address)
    replica = SeededReplica(build_replica(source, folder), SeedMethod.CLONE, endpoint, NODE)
    try:
        replica.start_server()

        def seed() -> Transfer:
            before = read_children_cpu()
            replica.start_worker()
            state = replica.wait_for_worker(RUN_TIMEOUT_S)
            return build_transfer(state, replica.log, 0.0, read_children_cpu() - before)

        return measure_run(source, replica.folder, seed)
    finally:
        replica.close()


def build_replica(source: BenchSource, folder: Path) -> DatabaseServer:
    """Build an empty server, which is not running."""
    server_folder, flavour = folder / "replica", source.server.flavour
    server_folder.mkdir()
    copy_data_directory(source.template, server_folder / "data")
    options = (*REPLICA_OPTIONS[flavour.family], BUFFER_POOL)
    return DatabaseServer(server_folder, find_free_port(), options, flavour)


def build_transfer(state: SeedState, log: str, source_cpu_s: float, replica_cpu_s: float) -> Transfer:
    """Build what is known of a seed that has succeeded."""
    assert (state.phase, state.attempts) == (SeedPhase.DONE, 1), log
    seconds = state.phase_seconds[str(SeedPhase.TRANSFERRING)]
    return Transfer(seconds, state.bytes_done, source_cpu_s, replica_cpu_s, state.phase_seconds)


def prepare_source(source: BenchSource) -> None:
    """Make a MySQL source the donor of a CLONE."""
    if source.server.flavour.family == "mysql":
        source.server.execute("INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
        create_donor_account(source.server, SeedMethod.CLONE)


Contestant = Callable[[BenchSource, Path, CertificateAuthority], SeedRun]
SEEDS: Mapping[str, Contestant] = {BACKUP: run_backup, CLONE: run_clone}
