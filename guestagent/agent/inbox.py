"""The inbox of the resident agent: a file that holds the newest document, and a pipe that wakes the agent.

Only the file counts. A wakeup that reaches no listener is harmless: the agent finds the document at its next check. An
early wakeup names the files that are about to be stored; if they never are, os-collect-config calls `poke` again.
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
    """The document's place. `state_folder` survives a reboot, `run_folder` does not.

    `cache_folder` is os-collect-config's. It is read while no document is stored.
    """

    state_folder: Path
    run_folder: Path
    cache_folder: Path | None = None

    def store(self, collected: CollectedDocument) -> None:
        """Store the document (StorageError if that is not possible) and wake the listener, without waiting for it."""
        metadata_files.quarantine_stored_document(self.state_folder)
        if collected != metadata_files.find_stored_document(self.state_folder):
            metadata_files.store_document(self.state_folder, _add_date(collected))
        self.send_wakeup()

    def read_latest(self) -> CollectedDocument | None:
        """Return the newest document."""
        stored = metadata_files.find_stored_document(self.state_folder)
        if stored is not None or self.cache_folder is None:
            return stored
        return metadata_files.find_committed_document(self.cache_folder)

    def open_listener(self) -> DocumentListener:
        """Listen for wakeups from now on, in place of an earlier listener."""
        return DocumentListener(self)

    def send_wakeup(self) -> None:
        """Make the listener read the file."""
        wakeup_pipe.send_wakeup(str(self.run_folder))


class DocumentListener:
    """The resident agent's end of the inbox. A context manager; for one thread, except `wake`."""

    def __init__(self, inbox: DocumentInbox) -> None:
        self._inbox = inbox
        self._path = inbox.run_folder / wakeup_pipe.PIPE_NAME
        self._document: CollectedDocument | None = None
        self._early_document: CollectedDocument | None = None
        self._announced_document: CollectedDocument | None = None
        self._stamp: tuple[int, int] | None = None
        self._is_unreadable = False
        self._cache_stamp: metadata_files.CacheStamp | None = None
        self._pipe = _open_pipe(self._path)
        self._wake_event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wait(self, seconds: float) -> bool:
        """Wait for a wakeup or `wake`, at most `seconds`; return whether there was one, also before this call."""
        ready, _, _ = select.select([self._pipe, self._wake_event], [], [], max(0.0, seconds))
        is_awake = self._wake_event in ready
        for message in wakeup_pipe.read_messages(self._pipe):
            is_awake = self._handle_message(message) or is_awake
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake_event)
        return is_awake

    def wake(self) -> None:
        """End the wait, from a signal handler or another thread."""
        os.eventfd_write(self._wake_event, 1)

    def read_latest(self) -> CollectedDocument | None:
        """Return the newest document. Cheap, because a pass calls it between any two steps.

        A file that cannot be read is quarantined, and the former document stays. Without one, os-collect-config's own
        copy counts.
        """
        try:
            stamp = _read_stamp(self._inbox.state_folder / metadata_files.DOCUMENT_FILE)
            if stamp is not None and stamp != self._stamp:
                self._is_unreadable = metadata_files.quarantine_stored_document(self._inbox.state_folder)
            has_news = stamp != self._stamp or (stamp is None and self._has_new_cache())
            if has_news and not (self._is_unreadable and self._document):
                self._document = self._inbox.read_latest()
            if stamp != self._stamp:
                self._stamp, self._early_document = stamp, None
        except StorageError:
            pass
        return self._early_document or self._document

    def _has_new_cache(self) -> bool:
        """Return whether os-collect-config's cache has changed since. It counts while no document is stored."""
        cache, former_stamp = self._inbox.cache_folder, self._cache_stamp
        self._cache_stamp = None if cache is None else metadata_files.stamp_cache(cache)
        return self._cache_stamp != former_stamp

    def _handle_message(self, message: bytes) -> bool:
        """Return whether there is news. The files that an early wakeup lists count until a document is stored."""
        if message == wakeup_pipe.WAKEUP:
            announced, self._announced_document = self._announced_document, None
            # If it is the announced document that has been stored, the agent is at work on it already.
            return announced is None or announced != self.read_latest()
        paths = [Path(name) for name in os.fsdecode(message).split(":") if name]
        with suppress(InvalidMetadata):  # the poke that follows reports it
            document, present = metadata_files.choose_document(paths), self.read_latest()
            if document is None or document == present:
                return False
            if not metadata_files.is_outdated(document, present, paths):
                self._early_document = self._announced_document = _add_date(document)
                return True
        return False

    def close(self) -> None:
        os.close(self._pipe)
        os.close(self._wake_event)
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> DocumentListener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def _add_date(collected: CollectedDocument) -> CollectedDocument:
    return replace(collected, collected_at=datetime.now(timezone.utc).isoformat(timespec="seconds"))


def _open_pipe(path: Path) -> int:
    try:
        path.parent.mkdir(mode=atomic_file.PRIVATE_FOLDER, parents=True, exist_ok=True)
        return wakeup_pipe.create_pipe(str(path))
    except OSError as error:
        raise StorageError(f"cannot listen at {path}: {error.strerror or error}") from error


def _read_stamp(path: Path) -> tuple[int, int] | None:
    """Return a value that changes whenever the file is replaced; None if there is no file."""
    try:
        attributes = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return attributes.st_ino, attributes.st_mtime_ns
