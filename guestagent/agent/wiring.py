"""Builds the external dependencies of this machine from the settings, and finds this node's own address."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.instance_check import InstanceCheck
from guestagent.agent.instance_identity import InstanceRecord
from guestagent.agent.journal import Journal, read_boot_id
from guestagent.agent.metadata_updates import read_update_route
from guestagent.agent.outcome import Progress
from guestagent.agent.pause import read_pause
from guestagent.agent.seed_control import build_donor_access, build_seed_access
from guestagent.agent.server_config import ConfigurationDependencies, ServerConfiguration
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_instance import identify_server_instance
from guestagent.agent.server_sizes.host import measure_host
from guestagent.agent.server_sizes.option_file_path import choose_default_path, find_option_file
from guestagent.agent.service_control import build_service_control
from guestagent.agent.settings import Settings
from guestagent.agent.volume_observer import observe_volume
from guestagent.database.binlog_comparison import BinlogComparison
from guestagent.database.detect import open_database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.errors import NotReady
from guestagent.file_lock import open_lock, try_lock
from guestagent.metadata.document import Document, UnresolvedFunction
from guestagent.retry import Clock
from guestagent.signal import (
    HttpOptions,
    RetryPolicy,
    Sender,
    Spool,
    build_resource_key,
    build_signal_key,
    build_transport,
    find_handle_url,
)
from guestagent.volume import request_growth

LOCK_TIMEOUT_S = 5.0

DEFAULT_ROUTE_IPV4 = "192.0.2.1"
"""A documentation address (RFC 5737): the route to it is the default route."""
DEFAULT_ROUTE_IPV6 = "2001:db8::1"
"""Likewise (RFC 3849), for a node without IPv4."""


def build_dependencies(
    settings: Settings,
    clock: Clock,
    is_interrupted: Callable[[], bool] = lambda: False,
    report_progress: Callable[[Progress], None] = lambda progress: None,
) -> PassDependencies:
    """Build the external dependencies of a pass on this machine."""
    comparison = BinlogComparison(str(settings.database_socket), settings.database_timeout)
    return PassDependencies(
        open_database=lambda: open_database(str(settings.database_socket), settings.database_timeout),
        source_view=TcpSourceProbe(settings.database_timeout),
        journal=Journal(settings.state_folder / "journal.json", clock),
        clock=clock,
        find_own_address=find_own_address,
        is_interrupted=is_interrupted,
        read_pause=lambda: read_pause(settings.state_folder),
        configuration=ServerConfiguration(build_configuration_dependencies(settings, clock)),
        compare_logs=comparison.compare,
        read_source_times=comparison.read_source_times,
        observe_volume=lambda: observe_volume(settings.volume),
        request_volume_growth=lambda: request_growth(settings.run_folder),
        report_progress=report_progress,
        identify_server_instance=lambda: identify_server_instance(settings.database_socket),
        read_update_route=lambda: read_update_route(settings),
        instance=InstanceCheck(settings).read_record(),
        seed_access=build_seed_access(settings),
        donor_access=build_donor_access(settings),
    )


def settle_identity(settings: Settings) -> InstanceRecord | None:
    """Give a copied disk an identity of its own, and return its record; None if cloud-init has identified no instance.

    A MySQL server may have started, and have taken its UUID from the disk: it is restarted.
    """

    def restart_server() -> None:
        result = build_service_control(settings.service, "mysql").restart(lambda: None)
        if not result.is_success:
            raise NotReady(f"a copied MySQL server needs a restart to choose a new UUID: {result.output}")

    return InstanceCheck(settings).settle_identity(restart_server)


def build_configuration_dependencies(settings: Settings, clock: Clock) -> ConfigurationDependencies:
    """Build the dependencies of the server's configuration on this machine."""
    return ConfigurationDependencies(
        option_path=lambda family: settings.option_file or find_option_file(family),
        service_control=lambda family: build_service_control(settings.service, family),
        host_resources=lambda data: measure_host(data, settings.memory_mb),
        change_file=ChangeFile(settings.state_folder / "configuration.json"),
        clock=clock,
        boot_id=read_boot_id(),
        default_option_path=choose_default_path,
    )


def build_sender(settings: Settings, clock: Clock, log: Callable[[str], None]) -> Sender:
    """Build the sender of signals, with the proxies of the environment and the CA of the settings."""
    return Sender(
        spool=Spool(settings.state_folder),
        clock=clock,
        policy=RetryPolicy(attempt_timeout_s=settings.signal_timeout, url_lifetime_s=settings.auth_ttl),
        connect=lambda handle: build_transport(handle, HttpOptions(settings.ca_file)),
        report=log,
    )


def find_own_address(host: str) -> str | None:
    """Find this node's address on the route to `host`; None without a route or such a name. Sends nothing."""
    for peer in (host, DEFAULT_ROUTE_IPV6) if host == DEFAULT_ROUTE_IPV4 else (host,):
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(peer, 9, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.connect(target)
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return None


def find_handle_host(document: Document) -> str:
    """Return the host of the handle, which every node can reach: the route to it gives the node's own address."""
    url = None if isinstance(document.handle, UnresolvedFunction) else find_handle_url(document.handle)
    return (urlsplit(url.reveal()).hostname if url else None) or DEFAULT_ROUTE_IPV4


def build_task_key(document: Document) -> str:
    """Build the name of the present generation: one task for each handle and id, on any boot.

    Heat may give the handle another URL while a node works: the task stays the same.
    """
    return build_resource_key(document.handle, document.unique_id)


def build_former_task_key(document: Document) -> str:
    """Build the name that guestagent 0.1 gave to the same task."""
    return build_signal_key(document.handle, document.unique_id)


def build_lock_wait(clock: Clock) -> Callable[[], bool]:
    """Build a `wait` for `hold_pass_lock` that gives up after LOCK_TIMEOUT_S."""
    deadline = clock.now() + LOCK_TIMEOUT_S

    def wait() -> bool:
        clock.sleep(0.2)
        return clock.now() < deadline

    return wait


@contextmanager
def hold_pass_lock(settings: Settings, wait: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock of the passes on this server. While `wait` returns True, try again; then raise NotReady."""
    path = settings.state_folder / "lock"
    descriptor = open_lock(path)
    try:
        while not try_lock(descriptor):
            if not wait():
                raise NotReady("another pass is at work on this server; see `guestagent status`")
        yield
    finally:
        os.close(descriptor)
