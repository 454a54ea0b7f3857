"""Whether the node knows what it shall be: the document, where it is from and how old, and who collects it."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from datetime import datetime

from guestagent import durable
from guestagent.agent import collect
from guestagent.agent.collect import Collected
from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.metadata import Document, parse, require_resolved

METADATA = Topic("metadata")
COLLECTOR = "os-collect-config"


def found(settings: Settings) -> Collected | None:
    """The document at hand, unread; None where there is none, or none that can be read."""
    try:
        return collect.latest(settings)
    except (InvalidMetadata, StorageError):
        return None


def metadata_findings(collected: Collected | None, settings: Settings, probes: Probes) -> Iterator[Finding]:
    """On the document at hand and on the way by which the next one comes."""
    if collected is None:
        yield METADATA.fail(
            "document",
            f"none: neither {settings.state} nor {settings.collector_cache} holds any",
            "does os-collect-config reach Heat? see journalctl -u os-collect-config",
        )
    else:
        yield METADATA.ok("document", f"{collected.where}, {_age(collected, probes)}")
        yield from _content(collected)
    yield from _collector(settings, probes)


def _content(collected: Collected) -> Iterator[Finding]:
    try:
        document = parse(collected.document, collected.where)
        require_resolved(document, collected.where)
    except InvalidMetadata as error:
        for problem in error.problems:
            yield METADATA.fail("content", str(problem), "mend it in the template")
        return
    yield METADATA.ok("content", _said(document))


def _said(document: Document) -> str:
    section = document.section
    return f"{document.role}, generation {section.generation}, node {section.node or 'without a name'}"


def _age(collected: Collected, probes: Probes) -> str:
    try:
        since = datetime.fromisoformat(collected.at) if collected.at else None
        seconds = (
            probes.today().timestamp() - probes.changed(collected.source)
            if since is None
            else (probes.today() - since).total_seconds()
        )
    except (OSError, ValueError, TypeError):
        return "of unknown age"
    return f"{_spelled(max(0.0, seconds))} old"


def _spelled(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _collector(settings: Settings, probes: Probes) -> Iterator[Finding]:
    """Without it nothing new arrives; what has arrived holds all the same."""
    if probes.running(COLLECTOR):
        yield METADATA.ok("collector", f"{COLLECTOR} runs")
    else:
        do = f"systemctl start {COLLECTOR}"
        yield METADATA.warn("collector", f"{COLLECTOR} does not run: no newer metadata comes", do)
    command = _command(settings)
    if command is None:
        do = "user data writes it at the first boot: see /var/log/cloud-init-output.log"
        yield METADATA.warn("collector's command", f"{settings.collector_config} names none", do)
    elif "guestagent" in command and "poke" in command:
        yield METADATA.ok("collector's command", command)
    else:
        do = f"set command = guestagent poke in {settings.collector_config}"
        yield METADATA.fail("collector's command", "another one: nothing is handed over to the agent", do)


def _command(settings: Settings) -> str | None:
    """What os-collect-config runs; None where its configuration says nothing, or cannot be read."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string((durable.read(settings.collector_config) or b"").decode(errors="replace"))
    except (StorageError, configparser.Error):
        return None
    return parser.defaults().get("command")
