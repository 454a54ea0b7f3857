"""Whether Heat can hear this node: the handle's credential, the way to it, the clock, and what was said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from guestagent.agent.doctor.finding import Finding, Grade, Topic
from guestagent.agent.doctor.place import way
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.settings import Settings
from guestagent.agent.standing import standing
from guestagent.errors import HandleRefused, HandleUnreachable
from guestagent.metadata.document import Document
from guestagent.signal import Account, Spool, Target, expiry, target

HANDLE = Topic("handle")
SOON = 120.0  # seconds: a seed or a boot easily takes as long
SKEW = 10.0  # seconds: what a lag may be, so what a clock must not be off by
PORTS = {"http": 80, "https": 443}
SILENT = "check routes, proxies, the security group's egress, and that Heat's endpoints are meant for guests"


def handle_findings(document: Document, settings: Settings, probes: Probes) -> Iterator[Finding]:
    """The handle of the document at hand, as far as it can be looked at without signalling."""
    said = _said(document, settings, probes)
    try:
        to = target(document.handle)
    except HandleRefused as error:
        yield HANDLE.fail("transport", str(error))
        yield said
        return
    yield HANDLE.ok("transport", str(to.kind))
    yield _expiry(document, settings, probes.today(), heard=said.grade is Grade.OK)
    for url in _places(to):
        yield from _place(url, settings, probes)
    yield said


def _expiry(document: Document, settings: Settings, today: datetime, *, heard: bool) -> Finding:
    seen = expiry(document.handle, settings.auth_ttl)
    if seen is None:
        return HANDLE.ok("expiry", "it does not say when it is refused")
    left = (seen.at - today).total_seconds()
    told = seen.told(today)
    if heard or left >= SOON:
        return HANDLE.ok("expiry", told)
    if left >= 0:
        return HANDLE.warn("expiry", told, "signal soon, or give the node a new generation")
    do = "give the node a new generation (any change of the cluster does), or the cloud a longer auth_ttl"
    return HANDLE.fail("expiry", told, do)


def _places(to: Target) -> tuple[str, ...]:
    """The roots of the services that a signal needs: nothing of the credential is left in them."""
    urls = [to.url.reveal()] + ([to.login.reveal()] if isinstance(to, Account) else [])
    parts = [urlsplit(url) for url in urls]
    return tuple(dict.fromkeys(f"{each.scheme}://{each.netloc.rpartition('@')[2]}/" for each in parts))


def _place(url: str, settings: Settings, probes: Probes) -> Iterator[Finding]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    steps = list(way(HANDLE, host, port, probes, SILENT))
    yield from steps
    if any(step.grade is not Grade.OK for step in steps):
        return
    sent = probes.today()
    try:
        answer = probes.greeted(url, parts.netloc, settings.ca_file)
    except HandleUnreachable as error:
        yield HANDLE.fail("HTTP", str(error))
        return
    yield HANDLE.ok("HTTP", f"{url} answers {answer.status}")
    yield from _clock(answer.date, sent)


def _clock(date: str, today: datetime) -> Iterator[Finding]:
    """Against the clock of the service: it decides until when the handle's credential holds."""
    try:
        skew = (today - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return
    where = "ahead of" if skew > 0 else "behind"
    told = f"{abs(skew):.0f} s {where} Heat's"
    if abs(skew) <= SKEW:
        yield HANDLE.ok("clock", f"within {SKEW:.0f} s of Heat's")
    else:
        yield HANDLE.warn(
            "clock", told, "set the clock (chrony, systemd-timesyncd): TLS, lag and expiry go by it"
        )


def _said(document: Document, settings: Settings, probes: Probes) -> Finding:
    record = Spool(settings.state).record_of(document.handle, document.unique_id)
    told = standing(settings, document, probes.today) or "nothing said yet"
    if record is None:
        return HANDLE.warn("signal", told, "the node says something when it is ready, or at its deadline")
    if record.pending is not None:
        return HANDLE.warn("signal", told, "it is sent again and again; see above for what keeps it")
    if record.given_up is not None:
        return HANDLE.fail("signal", told, "give the node a new generation: any change of the cluster does")
    return HANDLE.ok("signal", told)
