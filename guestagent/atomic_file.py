"""Files that survive a kill between any two instructions: either the old content or the new one, always whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from guestagent.errors import StorageError
from guestagent.file_access import grant_reading

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
FILE_SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes. A larger file does not belong to guestagent, and is not read into memory."""


def write_file(
    path: Path,
    content: bytes,
    mode: int = PRIVATE_FILE,
    reader: int | None = None,
    owner: tuple[int, int] | None = None,
) -> None:
    """Replace `path` in one step, and wait until it is on the disk. Its folder is created if it is missing.

    `reader` is the id of another user who may read the file, `owner` the ids of the user and the group that get it.
    If the file cannot be written (a full disk, for example), StorageError is raised and the old content remains.
    """
    with _replace_files([path]) as (file,):
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)
        if reader is not None:
            grant_reading(file.fileno(), reader)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with _raise_write_errors(path):
        _sync_folder(path.parent)


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Replace several files of one folder in their order, and wait until they are on the disk.

    If one of them cannot be written, all keep their old content, and StorageError is raised.
    """
    with _replace_files(contents) as files:
        # All are written before the first is synced, so that the disk can write them together.
        for file, content in zip(files, contents.values(), strict=True):
            file.write(content)
            file.flush()
        for file in files:
            os.fsync(file.fileno())
    path = next(iter(contents))
    with _raise_write_errors(path):
        _sync_folder(path.parent)


def write_unsynced(path: Path, content: bytes) -> None:
    """Replace `path` in one step, as `write_file` does, but do not wait for the disk.

    After a power failure the file may be an older one, or empty: only for files that other programs merely look at.
    """
    with _replace_files([path]) as (file,):
        file.write(content)


def read_file(path: Path) -> bytes | None:
    """Return the content, or None if there is no such file. Never blocks: pipes and devices are not read."""
    with _raise_storage_errors("read", path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            # A failed fdopen, which is that of a folder, leaves the descriptor open.
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(None, "not a regular file")
                content = file.read(FILE_SIZE_LIMIT + 1)
        finally:
            os.close(descriptor)
        if len(content) > FILE_SIZE_LIMIT:
            raise OSError(None, f"larger than {FILE_SIZE_LIMIT // 2**20} MiB")
        return content


def rename_file(path: Path, target: Path) -> None:
    """Rename a file within its folder, and wait until that is on the disk. Raises StorageError."""
    with _raise_storage_errors("rename", path):
        path.rename(target)
        _sync_folder(target.parent)


def remove_file(path: Path) -> None:
    """Remove a file, and wait until that is on the disk. The file may be missing already. Raises StorageError."""
    with _raise_storage_errors("remove", path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)


@contextmanager
def _replace_files(paths: Iterable[Path]) -> Iterator[list[BinaryIO]]:
    """Yield a new file for each path of one folder. After the block they replace the paths; if it fails, none does."""
    drafts = {path: path.with_name(f".{path.name}.draft") for path in paths}
    first = next(iter(drafts))
    with _raise_write_errors(first):
        try:
            first.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            with ExitStack() as stack:
                yield [stack.enter_context(_create_file(draft)) for draft in drafts.values()]
            for path, draft in drafts.items():
                draft.replace(path)
        except OSError:
            for draft in drafts.values():
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
            raise


@contextmanager
def _raise_storage_errors(verb: str, path: Path, advice: str = "") -> Iterator[None]:
    """Turn an OSError of the block into a StorageError that names the path."""
    try:
        yield
    except ValueError as error:  # a null byte in the path, for example
        raise StorageError(f"cannot {verb} {str(path)!r}: not a valid path") from error
    except OSError as error:
        raise StorageError(f"cannot {verb} {path}: {error.strerror}{advice}") from error


def _raise_write_errors(path: Path) -> AbstractContextManager[None]:
    return _raise_storage_errors("write", path, "; free some space, or correct its permissions")


def _create_file(path: Path) -> BinaryIO:
    """Create a new file each time: a link that another user of the folder may have put there is not followed."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    return os.fdopen(descriptor, "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
