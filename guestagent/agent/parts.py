"""The real parts, put together from the settings; and this node's own address."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from guestagent import durable
from guestagent.agent.journal import Journal
from guestagent.agent.pausing import paused
from guestagent.agent.reconcile import Edges, Progress
from guestagent.agent.settings import Settings
from guestagent.database.open import open_database
from guestagent.database.sourceview import TcpSourceView
from guestagent.errors import NotReady, StorageError
from guestagent.metadata.document import Document, Unresolved
from guestagent.retry import Clock
from guestagent.signal import Policy, Sender, Spool, Web, handle_url, key, transport_to

ANYWHERE = "192.0.2.1"
"""An address of nobody (RFC 5737): the way towards it is the default route."""


def edges(
    settings: Settings,
    clock: Clock,
    interrupted: Callable[[], bool] = lambda: False,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Edges:
    """A pass's edges on this machine."""
    return Edges(
        open=lambda: open_database(str(settings.database_socket), settings.database_timeout),
        view=TcpSourceView(settings.database_timeout),
        journal=Journal(settings.state / "journal.json", clock),
        clock=clock,
        address_towards=address_towards,
        interrupted=interrupted,
        paused=lambda: paused(settings.state),
        tell=tell,
    )


def sender(settings: Settings, clock: Clock, tell: Callable[[str], None]) -> Sender:
    """Who tells the handle, with the proxies of the environment and the CA of the settings."""
    return Sender(
        spool=Spool(settings.state),
        clock=clock,
        policy=Policy(attempt=settings.signal_timeout, lifetime=settings.auth_ttl),
        connect=lambda handle: transport_to(handle, Web(settings.ca_file)),
        tell=tell,
    )


def address_towards(host: str) -> str | None:
    """This node's address on the way to `host`, None where there is no way or no such name. Sends nothing."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(target)
            return str(probe.getsockname()[0])
    except OSError:
        return None


def home(document: Document) -> str:
    """The host towards which our own address counts: the handle's, which every node can reach."""
    url = None if isinstance(document.handle, Unresolved) else handle_url(document.handle)
    return (urlsplit(url.reveal()).hostname if url else None) or ANYWHERE


def task(document: Document) -> str:
    """Names the generation in work: what is asked under one handle and id is one task, on any boot."""
    return key(document.handle, document.unique_id)


@contextmanager
def alone(settings: Settings, wait: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock of whoever works on this server; `wait` is asked again and again, False gives up (NotReady)."""
    path = settings.state / "lock"
    descriptor = _opened(path)
    try:
        while not _locked(descriptor):
            if not wait():
                raise NotReady("another pass is at work on this server; see `guestagent status`")
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(mode=durable.PRIVATE_FOLDER, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, durable.PRIVATE_FILE)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
