"""The folders that seeds have left beside the data directory: normally the worker removes them when a seed ends."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.doctor.disk import DISK
from guestagent.agent.doctor.finding import Finding
from guestagent.agent.seed_record import SeedRecord
from guestagent.byte_units import MIB
from guestagent.errors import StorageError
from guestagent.seeding.local_data import measure_folder
from guestagent.seeding.seed_folder import list_seed_folders

REMAINS_ADVICE = (
    "no seed that is going on needs it; when the server has the data that it should have, remove the folder"
)


def check_seed_remains(data_directory: str, record: SeedRecord | None) -> Iterator[Finding]:
    """Check the folders of seeds that are over, or of which the journal knows nothing."""
    present = record.id if record is not None and not record.is_done else ""
    try:
        for seed_id, folder in list_seed_folders(data_directory):
            if seed_id != present:
                size = f"{measure_folder(folder.path) / MIB:.0f} MiB of a seed that has ended"
                content = ", with the server's old data" if folder.old.is_dir() else ""
                summary = f"{folder.path}: {size}{content}"
                yield DISK.report_warning("seed", summary, REMAINS_ADVICE)
    except StorageError as error:
        yield DISK.report_warning("seed", str(error))
