"""The real parts, put together from the settings; and this node's own address."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from guestagent.agent.configuration import Configuration, Ground
from guestagent.agent.configuration.machine import this_machine
from guestagent.agent.configuration.record import RecordFile
from guestagent.agent.control import Commands, ServiceControl, systemctl
from guestagent.agent.edges import Edges, Progress
from guestagent.agent.journal import Journal, read_boot_id
from guestagent.agent.pausing import paused
from guestagent.agent.settings import Service, Settings
from guestagent.database.log_comparison import LogComparison
from guestagent.database.open import open_database
from guestagent.database.sourceview import TcpSourceView
from guestagent.errors import NotReady
from guestagent.file_lock import open_lock, try_lock
from guestagent.metadata.document import Document, Unresolved
from guestagent.retry import Clock
from guestagent.signal import Policy, Sender, Spool, Web, handle_url, key, resource_key, transport_to

OPTION_FILES = {
    "mariadb": (
        Path("/etc/mysql/mariadb.conf.d/90-guestagent.cnf"),
        Path("/etc/my.cnf.d/90-guestagent.cnf"),
    ),
    "mysql": (Path("/etc/mysql/mysql.conf.d/zz-guestagent.cnf"), Path("/etc/my.cnf.d/zz-guestagent.cnf")),
}
"""Each is read after the packages' own files."""

LOCK_WAIT_S = 5.0

ANYWHERE = "192.0.2.1"
"""An address of nobody (RFC 5737): the way towards it is the default route."""
ANYWHERE_IPV6 = "2001:db8::1"
"""Likewise (RFC 3849), of a node without IPv4."""


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
        configuration=Configuration(ground(settings, clock)),
        compare_logs=LogComparison(str(settings.database_socket), settings.database_timeout).compare,
        tell=tell,
        server_life=lambda: identify_life(settings.database_socket),
    )


def identify_life(socket: Path) -> tuple[int, int] | None:
    """Identify the life of the server that listens: each makes its socket anew. None if there is none."""
    try:
        found = socket.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def ground(settings: Settings, clock: Clock) -> Ground:
    """What a configuration needs of this machine."""
    return Ground(
        file=lambda family: settings.option_file or option_file(family),
        control=lambda family: control(settings.service, family),
        machine=lambda data: this_machine(data, settings.memory_mb),
        record=RecordFile(settings.state / "configuration.json"),
        clock=clock,
        boot=read_boot_id(),
    )


def option_file(family: str, places: Mapping[str, tuple[Path, ...]] = OPTION_FILES) -> Path | None:
    """The option file that the image has for us, in Debian's layout or the RPM one. Where there is none the server's
    configuration is somebody else's.
    """
    return next((path for path in places.get(family, ()) if path.exists()), None)


def control(service: Service, family: str) -> ServiceControl:
    """The commands of the settings; systemctl where they name none."""
    if service.restart:
        return Commands(service.start, service.stop, service.restart, service.log)
    usual = family if family == "mariadb" or Path("/etc/mysql").is_dir() else "mysqld"
    return systemctl(service.unit or usual)


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
    for place in (host, ANYWHERE_IPV6) if host == ANYWHERE else (host,):
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(place, 9, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.connect(target)
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return None


def home(document: Document) -> str:
    """The host towards which our own address counts: the handle's, which every node can reach."""
    url = None if isinstance(document.handle, Unresolved) else handle_url(document.handle)
    return (urlsplit(url.reveal()).hostname if url else None) or ANYWHERE


def task(document: Document) -> str:
    """Names the generation in work: what is asked under one handle and id is one task, on any boot.

    Heat may give the handle another URL while a node works: the task stays the same.
    """
    return resource_key(document.handle, document.unique_id)


def former_task(document: Document) -> str:
    """The name that 0.1 gave to the same task."""
    return key(document.handle, document.unique_id)


def build_lock_wait(clock: Clock) -> Callable[[], bool]:
    """Build a `wait` for `alone` that gives up after LOCK_WAIT_S."""
    until = clock.now() + LOCK_WAIT_S

    def wait() -> bool:
        clock.sleep(0.2)
        return clock.now() < until

    return wait


@contextmanager
def alone(settings: Settings, wait: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock of whoever works on this server; `wait` is asked again and again, False gives up (NotReady)."""
    path = settings.state / "lock"
    descriptor = open_lock(path)
    try:
        while not try_lock(descriptor):
            if not wait():
                raise NotReady("another pass is at work on this server; see `guestagent status`")
        yield
    finally:
        os.close(descriptor)
