"""Builds the service of its settings: the store, the engines, and the parts that answer others."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from guestagent.controller.openstack_session import (
    Connection,
    count_requests,
    find_public_endpoint,
    open_connection,
)
from guestagent.errors import InvalidSettings, Problem, StorageError
from guestagent.limited_read import read_limited_text
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.engine_context import EngineContext, find_engine_factory
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.orchestrator.heat_inventory import HeatInventory
from guestagent.resources.outcome_reports import ReportingStore
from guestagent.resources.resource_service import ResourceService, ServedPart
from guestagent.resources.service.certificate_renewal import CertificateRenewal
from guestagent.resources.service.endpoint_certificate import build_certificate_loader
from guestagent.resources.service.engine_choice import ORCHESTRATOR, check_owners, choose_engine
from guestagent.resources.service.health import (
    RunCheck,
    build_health_page,
    check_broker,
    check_certificate,
    check_cloud,
    check_keys,
    check_store,
    check_workers,
)
from guestagent.resources.service.metrics import ServiceMetrics, format_metrics, list_load_metrics
from guestagent.resources.service.settings import AUTO, ManagerSettings
from guestagent.resources.service.signing_keys import open_signing_keys, require_known_store
from guestagent.resources.service.status_server import StatusPage, StatusServer
from guestagent.resources.service.store_loss import CheckedIntake, require_known_stacks
from guestagent.resources.store.protocol import LeaseSource
from guestagent.resources.store.service_presence import hold_presence
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_location import StoreFile, read_store_location
from guestagent.resources.store.store_opening import open_sql_store
from guestagent.secret import Secret

LOG = logging.getLogger(__name__)
OpenConnection = Callable[["str | None"], Connection]
OpenStore = Callable[[Secret], SqlStore]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedManager:
    """An open store with the engines for its clusters. `endpoint` is None without a public URL, and for Heat alone.

    `require_known_store` raises StorageError if a store without keys may have been lost. It asks Heat about a new one.
    """

    store: SqlStore
    require_known_store: Callable[[], None]
    selection: EngineSelection
    endpoint: EndpointAddress | None
    metrics: ServiceMetrics


@contextmanager
def open_local_manager(
    settings: ManagerSettings,
    open_cloud: OpenConnection = open_connection,
    open_store: OpenStore = open_sql_store,
) -> Iterator[OrderIntake]:
    """Open the resource manager over the store itself, for the commands of this host. No broker takes part.

    A service with the same settings does the work. The first order must not make a store known that was lost.
    """
    with _name_settings(settings), _open_manager(settings, open_cloud, open_store) as opened:
        yield CheckedIntake(opened.store, opened.selection, opened.require_known_store)


@contextmanager
def open_service(
    settings: ManagerSettings,
    abandoned: Collection[str] = (),
    open_cloud: OpenConnection = open_connection,
    open_store: OpenStore = open_sql_store,
    *,
    begins_anew: bool = False,
) -> Iterator[ResourceService]:
    """Build the service; it is started by its `open`. Raise what is wrong with its settings or its store.

    `abandoned` are clusters of an engine that is not selected: without them the service refuses to start. It refuses a
    new store beside older keys or beside stacks of another store, too, unless it `begins_anew`.
    """
    if begins_anew:
        open_store = partial(_open_noted_store, open_store)
    name = f"{socket.gethostname()}-{Path(settings.where).stem}"
    with _name_settings(settings), _open_manager(settings, open_cloud, open_store) as opened:
        opened.require_known_store()
        check_owners(opened.selection, opened.store.clusters(), abandoned)
        with _hold_presence(settings, opened.store):
            yield _build_service(settings, opened, name)


def _open_noted_store(open_store: OpenStore, url: Secret) -> SqlStore:
    store = open_store(url)
    store.note_keys()
    return store


@contextmanager
def _name_settings(settings: ManagerSettings) -> Iterator[None]:
    """Name the file in what is wrong with the settings."""
    try:
        yield
    except InvalidSettings as error:
        raise InvalidSettings(error.problems, error.where or settings.where) from error


@contextmanager
def _open_manager(
    settings: ManagerSettings, open_cloud: OpenConnection, open_store: OpenStore
) -> Iterator[OpenedManager]:
    with ExitStack() as stack:
        store = open_store(settings.store)
        stack.callback(store.close)
        connection = open_cloud(settings.cloud)
        stack.callback(connection.close)
        metrics = ServiceMetrics()
        count_requests(connection, metrics.count_request)
        clusters, engine = store.clusters(), settings.engine
        if engine == AUTO:
            has_heat = find_public_endpoint(connection, "orchestration") is not None
            engine = choose_engine(has_heat, clusters)
        build_engines = find_engine_factory(engine)
        endpoint = None
        if settings.guests.public_url is not None and engine != ORCHESTRATOR:
            require_known_store(settings.guests.key_file, store)
            ring = open_signing_keys(settings.guests.key_file, store)
            endpoint = EndpointAddress(settings.guests.public_url, ring)
        context = EngineContext(
            connection=connection,
            store=store,
            endpoint=endpoint,
            authority=_read_authority(settings.guests.authority),
            settle_s=settings.settle_s,
        )
        yield OpenedManager(
            store=store,
            require_known_store=_build_store_check(engine, store, connection),
            selection=build_engines(context),
            endpoint=endpoint,
            metrics=metrics,
        )


def _build_store_check(engine: str, store: SqlStore, connection: Connection) -> Callable[[], None]:
    """Return the check of a store that no key file belongs to. With one it was done when the keys were read."""
    if engine == ORCHESTRATOR:
        return partial(require_known_stacks, store, HeatInventory(connection))
    return lambda: None


def _hold_presence(settings: ManagerSettings, store: SqlStore) -> AbstractContextManager[None]:
    """Let work go on at once in which a service of this host was killed. Between hosts its lease has to end first."""
    location = read_store_location(settings.store)
    if isinstance(location, StoreFile):
        return hold_presence(location.path, store.end_leases)
    return nullcontext()


def _build_service(settings: ManagerSettings, opened: OpenedManager, name: str) -> ResourceService:
    checks: list[RunCheck] = [partial(check_store, opened.store), partial(check_cloud, opened.metrics)]
    parts = [
        *_build_endpoint_part(settings, opened, checks),
        *_build_message_part(settings, opened, name, checks),
    ]
    if settings.metrics is not None:
        pages = {
            "/healthz": lambda: build_health_page(checks),
            "/metrics": lambda: _build_metrics_page(opened),
        }
        parts.append(StatusServer(settings.metrics, pages))
    store: LeaseSource = opened.store
    if settings.broker is not None and settings.notification_topic is not None:
        from guestagent.resources.rpc.notifications import OutcomeNotifier

        notifier = OutcomeNotifier(settings.broker, settings.notification_topic, f"resources.{name}")
        parts.append(notifier)
        store = ReportingStore(opened.store, notifier.report)
    service = ResourceService(store, opened.selection.engines, name, settings.workers, parts, opened.metrics)
    checks.append(partial(check_workers, lambda: service.has_all_workers))
    return service


def _build_endpoint_part(
    settings: ManagerSettings, opened: OpenedManager, checks: list[RunCheck]
) -> Iterator[ServedPart]:
    """Yield the endpoint of the guests, if there are guests of NATIVES."""
    if opened.endpoint is None or ENGINE_NAME not in opened.selection.engines:
        return
    from guestagent.resources.endpoint.application import EndpointApplication
    from guestagent.resources.endpoint.node_endpoint import NodeEndpoint
    from guestagent.resources.endpoint.server import EndpointServer

    guests = settings.guests
    hostname = urlsplit(opened.endpoint.url).hostname or ""
    loader = build_certificate_loader(guests.server, guests.authority, hostname)
    ring = opened.endpoint.ring
    checks.append(partial(check_keys, opened.store, guests.key_file, ring))
    endpoint = NodeEndpoint(opened.store, opened.endpoint, opened.metrics.count_signal)
    server = EndpointServer(guests.server, EndpointApplication(endpoint))
    if loader is not None:
        renewal = CertificateRenewal(loader, server.use_certificate, opened.metrics.count_certificate)
        checks.append(lambda: check_certificate(renewal.certificate.ends_at, time.time(), renewal.problem))
        yield renewal
    yield server


def _build_message_part(
    settings: ManagerSettings, opened: OpenedManager, name: str, checks: list[RunCheck]
) -> Iterator[ServedPart]:
    """Yield the server of the message broker, if there is a broker."""
    if settings.broker is None:
        return
    from guestagent.resources.rpc.messaging import MessageServer
    from guestagent.resources.rpc.transport import reach_broker

    server = MessageServer(settings.broker, OrderIntake(opened.store, opened.selection), name)
    checks.append(partial(check_broker, partial(reach_broker, settings.broker), lambda: server.is_serving))
    yield server
    yield WaitingCallers(opened.store)


class WaitingCallers:
    """Those who wait for an operation: they are answered at the end of the service, which need not wait for them."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def open(self) -> None:
        pass

    def close(self) -> None:
        self._store.end_waits()


def _build_metrics_page(opened: OpenedManager) -> StatusPage:
    metrics = opened.metrics.list_metrics()
    try:
        metrics += list_load_metrics(opened.store.read_load())
    except StorageError as error:
        LOG.error("metrics: %s", error)
    return StatusPage(200, "text/plain; version=0.0.4; charset=utf-8", format_metrics(metrics).encode())


def _read_authority(path: Path | None) -> str | None:
    """Read the CA that the guests are told to trust."""
    if path is None:
        return None
    try:
        return read_limited_text(path)
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "no text"
        problem = Problem("endpoint.authority", "a readable file of certificates (PEM)", f"{path}: {found}")
        raise InvalidSettings([problem]) from error
