"""The option file of a server that has never started: the boot adds the sizes of the machine to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.server_sizes import first_start
from guestagent.agent.server_sizes.option_file_path import OPTION_FILE_MODE, OPTION_FILES, find_option_file
from guestagent.agent.server_sizes.sizing import HostResources


def prepare_option_files(
    data_folder: Path,
    measure_host: Callable[[str], HostResources],
    paths: Mapping[str, tuple[Path, ...]] = OPTION_FILES,
) -> list[Path]:
    """Add the sizes to the image's option file, and return the files that were changed.

    A file that the agent or a person has given sizes stays as it is, and so does that of a server which has started
    before: the agent then changes the running server. StorageError if a file cannot be read or written.
    """
    return [
        path
        for family in paths
        if (path := find_option_file(family, paths)) is not None
        and _prepare_file(path, family, data_folder, measure_host)
    ]


def _prepare_file(
    path: Path, family: str, data_folder: Path, measure_host: Callable[[str], HostResources]
) -> bool:
    text = (atomic_file.read_file(path) or b"").decode(errors="surrogateescape")
    index = first_start.find_log_index(text)
    if index is None or (data_folder / index).exists():
        return False
    new_text = first_start.add_sizes(text, family, measure_host(str(data_folder)))
    if new_text is None:
        return False
    atomic_file.write_file(path.resolve(), new_text.encode(errors="surrogateescape"), OPTION_FILE_MODE)
    return True
