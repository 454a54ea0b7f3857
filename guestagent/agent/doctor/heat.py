"""Whether Heat can hear this node: the handle's credential, the way to it, the clock, and what was said."""

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
EXPIRY_WARNING_S = 120.0  # seconds: a seed or a boot easily takes as long
CLOCK_SKEW_LIMIT_S = 10.0  # seconds: what a lag may be, so what a clock must not be off by
DEFAULT_PORTS = {"http": 80, "https": 443}
EGRESS_ADVICE = (
    "check routes, proxies, the security group's egress, and that Heat's endpoints are meant for guests"
)


def check_handle(document: Document, settings: Settings, probes: Probes) -> Iterator[Finding]:
    """The handle of the document at hand, as far as it can be looked at without signalling."""
    said = _said(document, settings, probes)
    try:
        to = resolve_target(document.handle)
    except HandleRefused as error:
        yield HANDLE.report_failure("transport", str(error))
        yield said
        return
    yield HANDLE.report_ok("transport", str(to.transport))
    yield _expiry(document, settings, probes.get_utc_now(), heard=said.grade is Grade.OK)
    for url in _places(to):
        yield from _place(url, settings, probes)
    yield said


def _expiry(document: Document, settings: Settings, today: datetime, *, heard: bool) -> Finding:
    seen = find_expiry(document.handle, settings.auth_ttl)
    if seen is None:
        return HANDLE.report_ok("expiry", "it does not say when it is refused")
    left = (seen.expires_at - today).total_seconds()
    told = seen.describe(today)
    if heard or left >= EXPIRY_WARNING_S:
        return HANDLE.report_ok("expiry", told)
    if left >= 0:
        return HANDLE.report_warning("expiry", told, "signal soon, or give the node a new generation")
    do = "give the node a new generation (any change of the cluster does), or the cloud a longer auth_ttl"
    return HANDLE.report_failure("expiry", told, do)


def _places(to: SignalTarget) -> tuple[str, ...]:
    """The roots of the services that a signal needs: nothing of the credential is left in them."""
    urls = [to.url.reveal()] + ([to.login_url.reveal()] if isinstance(to, HeatTarget) else [])
    parts = [urlsplit(url) for url in urls]
    return tuple(dict.fromkeys(f"{each.scheme}://{each.netloc.rpartition('@')[2]}/" for each in parts))


def _place(url: str, settings: Settings, probes: Probes) -> Iterator[Finding]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    steps = list(check_connectivity(HANDLE, host, port, probes, EGRESS_ADVICE))
    yield from steps
    if any(step.grade is not Grade.OK for step in steps):
        return
    sent = probes.get_utc_now()
    try:
        answer = probes.request_root(url, parts.netloc, settings.ca_file)
    except HandleUnreachable as error:
        yield HANDLE.report_failure("HTTP", str(error))
        return
    yield HANDLE.report_ok("HTTP", f"{url} answers {answer.status}")
    yield from _clock(answer.date, sent)


def _clock(date: str, today: datetime) -> Iterator[Finding]:
    """Against the clock of the service: it decides until when the handle's credential holds."""
    try:
        skew = (today - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return
    where = "ahead of" if skew > 0 else "behind"
    told = f"{abs(skew):.0f} s {where} Heat's"
    if abs(skew) <= CLOCK_SKEW_LIMIT_S:
        yield HANDLE.report_ok("clock", f"within {CLOCK_SKEW_LIMIT_S:.0f} s of Heat's")
    else:
        yield HANDLE.report_warning(
            "clock", told, "set the clock (chrony, systemd-timesyncd): TLS, lag and expiry go by it"
        )


def _said(document: Document, settings: Settings, probes: Probes) -> Finding:
    record = Spool(settings.state_folder).find_record(document.handle, document.unique_id)
    told = describe_signal(settings, document, probes.get_utc_now) or "nothing said yet"
    if record is None:
        return HANDLE.report_warning(
            "signal", told, "the node says something when it is ready, or at its deadline"
        )
    if record.pending is not None:
        return HANDLE.report_warning(
            "signal", told, "it is sent again and again; see above for what keeps it"
        )
    if record.given_up is not None:
        return HANDLE.report_failure(
            "signal", told, "give the node a new generation: any change of the cluster does"
        )
    return HANDLE.report_ok("signal", told)
