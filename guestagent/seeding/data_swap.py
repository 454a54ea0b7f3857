"""Replaces the content of the data directory by new data while the server is stopped. May be killed at any point.

The data directory itself stays, and with it its mounts and labels: its entries move, by rename. Meanwhile it belongs to
root alone, so no server can start on a part of the data.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import SeedError, StorageError
from guestagent.seeding.seed_folder import SeedFolder
from guestagent.seeding.swap_journal import SwapJournal, SwapStage, read_journal, write_journal
from guestagent.strict_json import UnreadableContent

CLOSED_MODE = 0o700
FILE_MODE, FOLDER_MODE = 0o660, 0o700
"""Those of MariaDB, unless its environment has others."""
KEPT_NAMES = frozenset({"lost+found"})
"""Of the file system: it stays in the data directory."""
FOLDER_ERRNOS = frozenset({errno.EXDEV, errno.ENOTEMPTY, errno.EEXIST})
"""Of a folder that cannot be renamed as a whole, or was moved in part."""


class DataSwap:
    """The replacement of one data directory. `on_step` is called before each change; an exception ends the work."""

    def __init__(
        self,
        folder: SeedFolder,
        on_step: Callable[[], None] = lambda: None,
        rename: Callable[[Path, Path], None] = os.rename,
    ) -> None:
        self._folder, self._on_step, self._rename = folder, on_step, rename

    @property
    def stage(self) -> SwapStage | None:
        """The stage on the disk; None before the first change."""
        journal = self._read()
        return None if journal is None else journal.stage

    def swap(self) -> None:
        """Put the new data in place, from whichever stage it is. The server is stopped, and the new data are whole.

        The old data are kept until `SeedFolder.remove`.
        """
        folder, journal = self._folder, self._begin()
        if journal.stage is SwapStage.EMPTYING:
            self._move(folder.target, folder.old)
            journal = self._write(replace(journal, stage=SwapStage.FILLING))
        if journal.stage is SwapStage.FILLING:
            self._move(folder.fresh, folder.target)
            self._open(journal)
            self._write(replace(journal, stage=SwapStage.DONE))

    def set_owners(self) -> None:
        """Give the new data the owner and group of the data directory. To be called before `swap`."""
        folder, journal = self._folder, self._read()
        with _raise_swap_errors(folder.fresh):
            status = folder.target.stat()
            owner = (status.st_uid, status.st_gid) if journal is None else (journal.owner, journal.group)
            for parent, names, files in os.walk(folder.fresh):
                for name in (*names, *files):
                    os.chown(Path(parent, name), *owner, follow_symlinks=False)

    def undo(self) -> None:
        """Put the old data back. The server is stopped. If there are none any more, the new ones are put in place."""
        folder, journal = self._folder, self._read()
        if journal is None:
            return
        if journal.stage in (SwapStage.FILLING, SwapStage.DONE):
            if not folder.old.is_dir():
                self.swap()
                return
            self._close()
            journal = self._write(replace(journal, stage=SwapStage.FILLING))
            self._move(folder.target, folder.fresh)
            journal = self._write(replace(journal, stage=SwapStage.EMPTYING))
        if journal.stage is SwapStage.EMPTYING and folder.old.is_dir():
            self._move(folder.old, folder.target)
        self._open(journal)
        self._on_step()
        atomic_file.remove_file(folder.journal)

    def _begin(self) -> SwapJournal:
        """Return the journal, with the data directory closed unless the work is done."""
        journal = self._read()
        if journal is None:
            status = self._folder.target.stat()
            mode = stat.S_IMODE(status.st_mode)
            journal = self._write(SwapJournal(SwapStage.EMPTYING, status.st_uid, status.st_gid, mode))
        if journal.stage is not SwapStage.DONE:
            self._close()
        return journal

    def _close(self) -> None:
        self._on_step()
        with _raise_swap_errors(self._folder.target):
            os.chown(self._folder.target, os.geteuid(), os.getegid())
            self._folder.target.chmod(CLOSED_MODE)

    def _open(self, journal: SwapJournal) -> None:
        self._on_step()
        with _raise_swap_errors(self._folder.target):
            os.chown(self._folder.target, journal.owner, journal.group)
            self._folder.target.chmod(journal.mode)

    def _move(self, source: Path, target: Path) -> None:
        """Move all entries, and wait until that is on the disk."""
        with _raise_swap_errors(source):
            target.mkdir(mode=CLOSED_MODE, exist_ok=True)
            for path in sorted(source.iterdir()):
                if path.name not in KEPT_NAMES and path != self._folder.path:
                    self._move_entry(path, target / path.name)
            for folder in (source, target, self._folder.path):
                _sync_folder(folder)

    def _move_entry(self, source: Path, target: Path) -> None:
        """Move one entry. On an overlay, a folder of a lower layer cannot be renamed, but all its files can."""
        self._on_step()
        try:
            self._rename(source, target)
        except OSError as error:
            if error.errno not in FOLDER_ERRNOS or source.is_symlink() or not source.is_dir():
                raise
            self._merge_folder(source, target)

    def _merge_folder(self, source: Path, target: Path) -> None:
        """Move all entries of a folder, some of which may be in the target already."""
        status = source.stat()
        target.mkdir(exist_ok=True)
        os.chown(target, status.st_uid, status.st_gid)
        target.chmod(stat.S_IMODE(status.st_mode))
        for path in sorted(source.iterdir()):
            self._move_entry(path, target / path.name)
        _sync_folder(target)
        source.rmdir()

    def _read(self) -> SwapJournal | None:
        try:
            return read_journal(self._folder.journal)
        except UnreadableContent as error:
            raise SeedError(
                f"the journal of the data's replacement cannot be read: {self._folder.journal} ({error})",
                f"the data directory's content is in it and in {self._folder.path}: put it together by hand",
            ) from error

    def _write(self, journal: SwapJournal) -> SwapJournal:
        self._on_step()
        write_journal(self._folder.journal, journal)
        return journal


def carry_files(source: Path, target: Path, patterns: Iterable[str]) -> None:
    """Copy files that belong to a server itself, such as its certificates, unless there is one of that name."""
    with _raise_swap_errors(target):
        for path in sorted(path for pattern in patterns for path in source.glob(pattern)):
            copy = target / path.name
            if path.is_file() and not path.is_symlink() and not os.path.lexists(copy):
                shutil.copy2(path, copy)


def copy_modes(source: Path, target: Path) -> None:
    """Give the files and folders of new data the modes that the server gives to its own."""
    with _raise_swap_errors(target):
        file_mode, folder_mode = (
            stat.S_IMODE(path.stat().st_mode) if path.exists() else default
            for path, default in ((source / "ibdata1", FILE_MODE), (source / "mysql", FOLDER_MODE))
        )
        for parent, folders, files in os.walk(target):
            for names, mode in ((folders, folder_mode), (files, file_mode)):
                for path in (Path(parent, name) for name in names):
                    if not path.is_symlink():
                        path.chmod(mode)


@contextmanager
def _raise_swap_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot move the data of {path}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
