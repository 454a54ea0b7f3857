"""Has the endpoint serve a renewed certificate without a restart.

A file that has changed is not enough: certificate and key must belong together, and a guest must accept them. Until
then the endpoint serves the certificate that it has.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from guestagent.errors import InvalidSettings
from guestagent.resources.service.endpoint_certificate import CertificateLoader, LoadedCertificate

LOG = logging.getLogger(__name__)
CERTIFICATE_INTERVAL_S = 30.0
"""Between two looks at the files."""
FileState = tuple[int, int, int]


class CertificateRenewal:
    """Looks at the files of the certificate, and has a change served by `use`. `count` counts what became of it."""

    def __init__(
        self,
        loader: CertificateLoader,
        use: Callable[[ssl.SSLContext], None],
        count: Callable[[bool], None],
        interval_s: float = CERTIFICATE_INTERVAL_S,
    ) -> None:
        """Load the certificate for the first time. Raise InvalidSettings if a guest would refuse it."""
        self._loader, self._use, self._count, self._interval_s = loader, use, count, interval_s
        self._states = self._read_states()
        self._loaded, self._problem = loader.load(), ""
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="certificate", daemon=True)

    @property
    def certificate(self) -> LoadedCertificate:
        """The certificate that is served."""
        return self._loaded

    @property
    def problem(self) -> str:
        """Why the files hold another certificate than the one that is served, or ""."""
        return self._problem

    def open(self) -> None:
        self._use(self._loaded.context)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def check(self) -> None:
        """Load the certificate again if one of its files has changed since the last look."""
        if self._read_states() != self._states:
            self.reload()

    def reload(self) -> None:
        """Load the certificate again."""
        with self._lock:
            states = (
                self._read_states()
            )  # before the files are read: a change in between is found by the next look
            try:
                loaded = self._loader.load()
            except InvalidSettings as error:
                self._refuse(str(error), is_news=states != self._states)
            else:
                self._loaded, self._problem = loaded, ""
                self._use(loaded.context)
                self._count(True)
                LOG.info("the endpoint serves the certificate that %s holds now", self._loader.files[0])
            self._states = states

    def _refuse(self, problem: str, *, is_news: bool) -> None:
        if problem == self._problem and not is_news:
            return
        self._problem = problem
        self._count(False)
        LOG.warning(
            "the endpoint goes on with its certificate, because the new one cannot be used: %s", problem
        )

    def _watch(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self.check()

    def _read_states(self) -> tuple[FileState | None, ...]:
        return tuple(_read_state(path) for path in self._loader.files)


def _read_state(path: Path) -> FileState | None:
    """Return what changes with a file: its time, its size and its inode. None: it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
