"""The way on which newer metadata reaches this node: the collectors, their server, and what they brought last.

A node that is ready stays ready without it, and misses every update of its stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from guestagent.agent.collector_config import get_option
from guestagent.agent.collector_log import ERROR_COLLECTORS, find_collection_errors
from guestagent.agent.doctor.connectivity import check_connectivity
from guestagent.agent.doctor.duration import format_duration
from guestagent.agent.doctor.finding import Finding, Grade, Topic
from guestagent.agent.doctor.metadata_request import MetadataRequest, build_metadata_request
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.metadata_updates import ADVICE, UpdateRoute, read_collector_config, read_update_route
from guestagent.agent.settings import Settings
from guestagent.errors import HandleRefused, HandleUnreachable

UPDATES = Topic("updates")
DEFAULT_POLLING_INTERVAL_S = 30.0
MISSED_COLLECTIONS_LIMIT = 4
COLLECTION_TIMEOUT_S = 60.0
EGRESS_ADVICE = "check routes, proxies, the security group's egress, and the address in {config}"
STATUS_ADVICE = (
    "compare the keys, the stack's and the resource's name in {config} with the stack: it may be deleted or replaced, "
    "or may not allow this key to read this resource"
)


def check_update_route(settings: Settings, probes: Probes) -> Iterator[Finding]:
    """Check the configured collectors, their server, the age of what they brought, and the errors in their log."""
    route = read_update_route(settings)
    if not route.collectors:
        yield _report_no_collector(route)
        return
    yield UPDATES.report_ok("collectors", f"{', '.join(route.collectors)} in {route.config}")
    text = read_collector_config(settings.collector_config) or ""
    for collector in route.collectors:
        request = build_metadata_request(text, collector, route.metadata_server)
        if request is None:
            advice = f"correct section [{collector}] in {route.config}"
            yield UPDATES.report_failure("address", f"{collector} has no usable URL", advice)
            continue
        yield from _check_server(request, route, probes)
        if collector in ERROR_COLLECTORS:  # the others write their file only for news
            yield _check_age(collector, text, settings, probes)
    yield from _check_log(route.collectors, _calculate_time_limit(text), probes)


def _report_no_collector(route: UpdateRoute) -> Finding:
    if route.collectors is None:
        actual = f"not known: {route.config} is missing, or cannot be read"
        return UPDATES.report_warning("collectors", actual, "create it, and start os-collect-config")
    actual = f"none in {route.config} reads newer metadata: the node has only the metadata of its boot"
    if not route.metadata_server:
        advice = "updates of the stack do not arrive; that is meant only if this node was configured by hand"
        return UPDATES.report_warning("collectors", actual, advice)
    if route.is_user_data_pending:
        return UPDATES.report_warning("collectors", actual, "cloud-init has not finished: wait")
    return UPDATES.report_failure("collectors", f"{actual}, not what {route.metadata_server} has", ADVICE)


def _check_server(request: MetadataRequest, route: UpdateRoute, probes: Probes) -> Iterator[Finding]:
    """Read the metadata as the collector does, if it is possible to connect."""
    advice = EGRESS_ADVICE.format(config=route.config)
    findings = list(check_connectivity(UPDATES, request.host, request.port, probes, advice))
    yield from findings
    if any(finding.grade is not Grade.OK for finding in findings):
        return
    name, address = f"{request.collector} request", f"{request.request.host}"
    try:
        status = probes.send_request(request.request, request.ca_file).status
    except (HandleUnreachable, HandleRefused) as error:
        yield UPDATES.report_failure(name, str(error), advice)
        return
    actual = f"{address} returned {_describe_status(status)}"
    if request.is_read and status != HTTPStatus.OK:
        yield UPDATES.report_failure(name, actual, STATUS_ADVICE.format(config=route.config))
    else:
        yield UPDATES.report_ok(name, actual)


def _describe_status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _check_age(collector: str, text: str, settings: Settings, probes: Probes) -> Finding:
    """Check when the collector got its last answer: then it wrote its file."""
    path = settings.collector_cache / f"{collector}.json"
    advice = "the other lines of this topic show the cause; otherwise: systemctl restart os-collect-config"
    try:
        age = max(0.0, probes.get_utc_now().timestamp() - probes.get_modification_time(path))
    except OSError:
        actual = f"{collector} has brought no document yet: there is no {path}"
        return UPDATES.report_warning("last document", actual, advice)
    actual = f"{collector} got its last answer {format_duration(age)} ago"
    if age > _calculate_time_limit(text):
        return UPDATES.report_failure("last document", actual, advice)
    return UPDATES.report_ok("last document", actual)


def _check_log(collectors: tuple[str, ...], seconds: float, probes: Probes) -> Iterator[Finding]:
    """Report the errors in the log of the last collections."""
    for error in find_collection_errors(probes.read_collector_log(seconds), collectors):
        actual = f"in the last {format_duration(seconds)}: {error}"
        advice = "journalctl -u os-collect-config; do not copy its lines: they may hold a signed URL"
        yield UPDATES.report_warning("collector's log", actual, advice)


def _calculate_time_limit(text: str) -> float:
    """Return the seconds in which a collector that works gets an answer."""
    try:
        interval = float(get_option(text, "DEFAULT", "polling_interval") or DEFAULT_POLLING_INTERVAL_S)
    except ValueError:
        interval = DEFAULT_POLLING_INTERVAL_S
    return MISSED_COLLECTIONS_LIMIT * interval + COLLECTION_TIMEOUT_S
