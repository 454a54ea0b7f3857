"""Whether the node knows what it shall be: the document, where it is from and how old, and who collects it."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from datetime import datetime

from guestagent import atomic_file
from guestagent.agent import metadata_files
from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.metadata import Document, parse, require_resolved

METADATA = Topic("metadata")
COLLECTOR_PROCESS = "os-collect-config"


def find_document(settings: Settings) -> CollectedDocument | None:
    """The document at hand, unread; None where there is none, or none that can be read."""
    try:
        return metadata_files.find_latest_document(settings)
    except (InvalidMetadata, StorageError):
        return None


def check_metadata(
    collected: CollectedDocument | None, settings: Settings, probes: Probes
) -> Iterator[Finding]:
    """On the document at hand and on the way by which the next one comes."""
    if collected is None:
        yield METADATA.report_failure(
            "document",
            f"none: neither {settings.state_folder} nor {settings.collector_cache} holds any",
            "does os-collect-config reach Heat? see journalctl -u os-collect-config",
        )
    else:
        yield METADATA.report_ok("document", f"{collected.display_path}, {_age(collected, probes)}")
        yield from _content(collected)
    yield from _collector(settings, probes)


def _content(collected: CollectedDocument) -> Iterator[Finding]:
    try:
        document = parse(collected.document, collected.display_path)
        require_resolved(document, collected.display_path)
    except InvalidMetadata as error:
        for problem in error.problems:
            yield METADATA.report_failure("content", str(problem), "mend it in the template")
        return
    yield METADATA.report_ok("content", _said(document))


def _said(document: Document) -> str:
    section = document.section
    return f"{document.role}, generation {section.generation}, node {section.node or 'without a name'}"


def _age(collected: CollectedDocument, probes: Probes) -> str:
    try:
        since = datetime.fromisoformat(collected.collected_at) if collected.collected_at else None
        seconds = (
            probes.get_utc_now().timestamp() - probes.get_modification_time(collected.path)
            if since is None
            else (probes.get_utc_now() - since).total_seconds()
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
    if probes.is_process_running(COLLECTOR_PROCESS):
        yield METADATA.report_ok("collector", f"{COLLECTOR_PROCESS} runs")
    else:
        do = f"systemctl start {COLLECTOR_PROCESS}"
        yield METADATA.report_warning(
            "collector", f"{COLLECTOR_PROCESS} does not run: no newer metadata comes", do
        )
    command = _command(settings)
    if command is None:
        do = "user data writes it at the first boot: see /var/log/cloud-init-output.log"
        yield METADATA.report_warning("collector's command", f"{settings.collector_config} names none", do)
    elif "guestagent" in command and "poke" in command:
        yield METADATA.report_ok("collector's command", command)
    else:
        do = f"set command = guestagent poke in {settings.collector_config}"
        yield METADATA.report_failure(
            "collector's command", "another one: nothing is handed over to the agent", do
        )


def _command(settings: Settings) -> str | None:
    """What os-collect-config runs; None where its configuration says nothing, or cannot be read."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string((atomic_file.read_file(settings.collector_config) or b"").decode(errors="replace"))
    except (StorageError, configparser.Error):
        return None
    return parser.defaults().get("command")
