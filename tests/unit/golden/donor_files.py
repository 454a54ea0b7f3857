"""The files of a backup stream: the donor's configuration, and the replica's marker and journal of the replacement."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.secret import Secret
from guestagent.seeding.donor import (
    AdmittedReplica,
    DonorConfiguration,
    DonorFiles,
    read_configuration,
    write_configuration,
)
from guestagent.seeding.seed_folder import read_marker, write_marker
from guestagent.seeding.swap_journal import SwapJournal, SwapStage, read_journal, write_journal
from tests.unit.golden.stored_file import StoredFile

CONFIGURATION = DonorConfiguration(
    port=4444,
    socket="/run/mysqld/mysqld.sock",
    data_directory="/var/lib/mysql/",
    replicas=(AdmittedReplica("Replica0001", "donor0001", Secret("s3cret")),),
    certificate="-----BEGIN CERTIFICATE-----\n",
    key=Secret("-----BEGIN PRIVATE KEY-----\n"),
    rate_limit=50,
)
JOURNAL = SwapJournal(SwapStage.FILLING, 110, 118, 0o700)


def list_donor_files() -> Iterator[tuple[str, StoredFile]]:
    """List the files by their golden names."""
    yield (
        "seed/donor.json",
        StoredFile(
            "donor/donor.json",
            lambda folder: write_configuration(DonorFiles(folder).configuration, CONFIGURATION),
            lambda folder: read_configuration(DonorFiles(folder).configuration),
            CONFIGURATION,
        ),
    )
    yield (
        "seed/marker.json",
        StoredFile("guestagent-seed.json", lambda folder: write_marker(folder, "5f0c"), read_marker, "5f0c"),
    )
    yield (
        "seed/swap.json",
        StoredFile(
            "swap.json",
            lambda folder: write_journal(folder / "swap.json", JOURNAL),
            lambda folder: read_journal(folder / "swap.json"),
            JOURNAL,
        ),
    )
