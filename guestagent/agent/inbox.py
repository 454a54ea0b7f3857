"""Between `poke` and the resident agent: a file that holds the newest document, and a bell that says "look".

Only the file counts. A poke that nobody hears is found when the agent looks next. A bell that rings before the file
is written names what will be in it; if it never comes, os-collect-config does.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from guestagent import atomic_file
from guestagent.agent import metadata_files, wakeup_pipe
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.errors import InvalidMetadata, StorageError


@dataclass(frozen=True, slots=True)
class DocumentInbox:
    """`state` outlives a reboot, `run` does not; `cache` is os-collect-config's, read where nothing was handed over."""

    state_folder: Path
    run_folder: Path
    cache_folder: Path | None = None

    def store(self, collected: CollectedDocument) -> None:
        """Keep the document (StorageError where that cannot be), and tell whoever listens. Waits for nobody."""
        metadata_files.keep_stored_aside(self.state_folder)
        if collected != metadata_files.find_stored_document(self.state_folder):
            metadata_files.store_document(self.state_folder, _dated(collected))
        self.send_wakeup()

    def read_latest(self) -> CollectedDocument | None:
        """The newest document."""
        found = metadata_files.find_stored_document(self.state_folder)
        return (
            found
            if found is not None or self.cache_folder is None
            else metadata_files.find_committed_document(self.cache_folder)
        )

    def open_listener(self) -> DocumentListener:
        """Hear every poke from now on. The newest listener is the one that hears."""
        return DocumentListener(self)

    def send_wakeup(self) -> None:
        """Tell the listener to look at the file."""
        wakeup_pipe.send_wakeup(str(self.run_folder))


class DocumentListener:
    """The resident agent's end. A context manager; for one thread, except `wake`."""

    def __init__(self, mailbox: DocumentInbox) -> None:
        self._mailbox = mailbox
        self._path = mailbox.run_folder / wakeup_pipe.PIPE_NAME
        self._found: CollectedDocument | None = None
        self._early: CollectedDocument | None = None
        self._named: CollectedDocument | None = None
        self._stamp: tuple[int, int] | None = None
        self._is_lost = False
        self._cache_stamp: metadata_files.CacheStamp | None = None
        self._bell = _hung(self._path)
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wait(self, seconds: float) -> bool:
        """Up to `seconds`, until a poke or `wake`; whether there was one. One that came before this call counts."""
        ready, _, _ = select.select([self._bell, self._waker], [], [], max(0.0, seconds))
        heard = self._waker in ready
        for message in wakeup_pipe.read_messages(self._bell):
            heard = self._hear(message) or heard
        with suppress(BlockingIOError):
            os.eventfd_read(self._waker)
        return heard

    def wake(self) -> None:
        """End the wait, from a signal's handler or another thread."""
        os.eventfd_write(self._waker, 1)

    def read_latest(self) -> CollectedDocument | None:
        """The newest document. Cheap: asked between any two steps. What cannot be read now is what it was before.

        A file that cannot be read is kept aside. Without a document from before, os-collect-config's own copy counts.
        """
        try:
            stamp = _stamp(self._mailbox.state_folder / metadata_files.DOCUMENT_FILE)
            if stamp is not None and stamp != self._stamp:
                self._is_lost = metadata_files.keep_stored_aside(self._mailbox.state_folder)
            has_news = stamp != self._stamp or (stamp is None and self._has_new_cache())
            if has_news and not (self._is_lost and self._found):
                self._found = self._mailbox.read_latest()
            if stamp != self._stamp:
                self._stamp, self._early = stamp, None
        except StorageError:
            pass
        return self._early or self._found

    def _has_new_cache(self) -> bool:
        """Whether os-collect-config's cache, which counts while no document is stored, has changed since."""
        cache, former = self._mailbox.cache_folder, self._cache_stamp
        self._cache_stamp = None if cache is None else metadata_files.stamp_cache(cache)
        return self._cache_stamp != former

    def _hear(self, message: bytes) -> bool:
        """Whether there is something to look at. What a list of files says counts until a document is stored."""
        if message == wakeup_pipe.WAKEUP:
            named, self._named = self._named, None
            return (
                named is None or named != self.read_latest()
            )  # else only what was named before has been stored
        paths = [Path(name) for name in os.fsdecode(message).split(":") if name]
        with suppress(InvalidMetadata):  # the poke that follows says so itself
            found, known = metadata_files.choose_document(paths), self.read_latest()
            if found is not None and found != known and not metadata_files.is_outdated(found, known, paths):
                self._early = self._named = _dated(found)
                return True
        return False

    def newer_than(self, token: str | None) -> bool:
        """Whether there is a document, and another one than that of `token`."""
        found = self.read_latest()
        return found is not None and found.token != token

    def close(self) -> None:
        os.close(self._bell)
        os.close(self._waker)
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> DocumentListener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def _dated(collected: CollectedDocument) -> CollectedDocument:
    return replace(collected, collected_at=datetime.now(timezone.utc).isoformat(timespec="seconds"))


def _hung(path: Path) -> int:
    try:
        path.parent.mkdir(mode=atomic_file.PRIVATE_FOLDER, parents=True, exist_ok=True)
        return wakeup_pipe.create_pipe(str(path))
    except OSError as error:
        raise StorageError(f"cannot listen at {path}: {error.strerror or error}") from error


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes whenever the file is replaced."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return found.st_ino, found.st_mtime_ns
