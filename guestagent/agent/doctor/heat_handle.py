"""The signal's way to Heat: the handle's credential, the connection, the clock, and the signals sent so far."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from guestagent.agent.doctor.connectivity import check_connectivity
from guestagent.agent.doctor.finding import Finding, Grade, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.settings import Settings
from guestagent.agent.signal_status import describe_signal
from guestagent.errors import HandleRefused, HandleUnreachable
from guestagent.metadata.document import Document
from guestagent.signal import HeatTarget, SignalTarget, Spool, find_expiry, resolve_target

HANDLE = Topic("handle")
EXPIRY_WARNING_S = 120.0  # a seed or a boot easily takes as long
CLOCK_SKEW_LIMIT_S = 10.0  # the largest lag of a ready node: a wrong clock must not be off by more
DEFAULT_PORTS = {"http": 80, "https": 443}
EGRESS_ADVICE = (
    "check routes, proxies, the security group's egress, and that guests can reach Heat's endpoints"
)
NEW_GENERATION_ADVICE = "give the node a new generation: any change of the cluster does"


def check_handle(document: Document, settings: Settings, probes: Probes) -> Iterator[Finding]:
    """Check the handle of the document as far as possible without signalling."""
    signal_finding = _check_signal(document, settings, probes)
    try:
        target = resolve_target(document.handle)
    except HandleRefused as error:
        yield HANDLE.report_failure("transport", str(error))
        yield signal_finding
        return
    yield HANDLE.report_ok("transport", str(target.transport))
    is_accepted = signal_finding.grade is Grade.OK
    yield _check_expiry(document, settings, probes.get_utc_now(), is_accepted=is_accepted)
    for url in _list_service_urls(target):
        yield from _check_service(url, settings, probes)
    yield signal_finding


def _check_expiry(document: Document, settings: Settings, now: datetime, *, is_accepted: bool) -> Finding:
    """Check when the credential expires. It does not matter any more once Heat has accepted a signal."""
    credential_expiry = find_expiry(document.handle, settings.auth_ttl)
    if credential_expiry is None:
        return HANDLE.report_ok("expiry", "the handle does not show when it expires")
    seconds_left = (credential_expiry.expires_at - now).total_seconds()
    summary = credential_expiry.describe(now)
    if is_accepted or seconds_left >= EXPIRY_WARNING_S:
        return HANDLE.report_ok("expiry", summary)
    if seconds_left >= 0:
        return HANDLE.report_warning("expiry", summary, "signal soon, or give the node a new generation")
    advice = "give the node a new generation (any change of the cluster does), or the cloud a longer auth_ttl"
    return HANDLE.report_failure("expiry", summary, advice)


def _list_service_urls(target: SignalTarget) -> tuple[str, ...]:
    """List the roots of the services that a signal needs, without any part of the credential."""
    urls = [target.url.reveal()] + ([target.login_url.reveal()] if isinstance(target, HeatTarget) else [])
    parts = [urlsplit(url) for url in urls]
    return tuple(dict.fromkeys(f"{each.scheme}://{each.netloc.rpartition('@')[2]}/" for each in parts))


def _check_service(url: str, settings: Settings, probes: Probes) -> Iterator[Finding]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    findings = list(check_connectivity(HANDLE, host, port, probes, EGRESS_ADVICE))
    yield from findings
    if any(finding.grade is not Grade.OK for finding in findings):
        return
    request_time = probes.get_utc_now()
    try:
        response = probes.request_root(url, parts.netloc, settings.ca_file)
    except HandleUnreachable as error:
        yield HANDLE.report_failure("HTTP", str(error))
        return
    yield HANDLE.report_ok("HTTP", f"{url} returned {response.status}")
    yield from _check_clock(response.date, request_time)


def _check_clock(service_date: str, now: datetime) -> Iterator[Finding]:
    """Compare with the clock of the service, which decides when the handle's credential expires."""
    try:
        skew = (now - parsedate_to_datetime(service_date)).total_seconds()
    except (TypeError, ValueError):
        return
    if abs(skew) <= CLOCK_SKEW_LIMIT_S:
        yield HANDLE.report_ok("clock", f"within {CLOCK_SKEW_LIMIT_S:.0f} s of Heat's")
        return
    direction = "ahead of" if skew > 0 else "behind"
    advice = "set the clock (chrony, systemd-timesyncd): TLS, lag and expiry depend on it"
    yield HANDLE.report_warning("clock", f"{abs(skew):.0f} s {direction} Heat's", advice)


def _check_signal(document: Document, settings: Settings, probes: Probes) -> Finding:
    record = Spool(settings.state_folder).find_record(document.handle, document.unique_id)
    summary = describe_signal(settings, document, probes.get_utc_now) or "no signal yet"
    if record is None:
        advice = "the node signals when it is ready, or at its deadline"
        return HANDLE.report_warning("signal", summary, advice)
    if record.pending is not None:
        return HANDLE.report_warning("signal", summary, "the agent retries; the lines above show the cause")
    if record.given_up is not None:
        return HANDLE.report_failure("signal", summary, NEW_GENERATION_ADVICE)
    return HANDLE.report_ok("signal", summary)
