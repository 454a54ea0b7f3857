"""The node's metadata: the document, its origin and age, and the collector that brings the next one."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from datetime import datetime

from guestagent import atomic_file
from guestagent.agent import metadata_files
from guestagent.agent.doctor.duration import format_duration
from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.metadata import Document, parse, require_resolved

METADATA = Topic("metadata")
COLLECTOR_PROCESS = "os-collect-config"
COLLECTOR_LAUNCHER = "guestagent collect"  # runs the collector in the images


def find_document(settings: Settings) -> CollectedDocument | None:
    """Return the present document, valid or not; None if there is none, or it cannot be read."""
    try:
        return metadata_files.find_latest_document(settings)
    except (InvalidMetadata, StorageError):
        return None


def check_metadata(
    collected: CollectedDocument | None, settings: Settings, probes: Probes
) -> Iterator[Finding]:
    """Check the present document and the collector."""
    if collected is None:
        yield METADATA.report_failure(
            "document",
            f"none: neither {settings.state_folder} nor {settings.collector_cache} holds one",
            "check that os-collect-config can reach Heat: journalctl -u os-collect-config",
        )
    else:
        yield METADATA.report_ok("document", f"{collected.display_path}, {_describe_age(collected, probes)}")
        yield from _check_content(collected)
    yield from _check_collector(settings, probes)


def _check_content(collected: CollectedDocument) -> Iterator[Finding]:
    try:
        document = parse(collected.document, collected.display_path)
        require_resolved(document, collected.display_path)
    except InvalidMetadata as error:
        for problem in error.problems:
            yield METADATA.report_failure("content", str(problem), "correct it in the template")
        return
    yield METADATA.report_ok("content", _summarize_document(document))


def _summarize_document(document: Document) -> str:
    section = document.section
    return f"{document.role}, generation {section.generation}, node {section.node or 'without a name'}"


def _describe_age(collected: CollectedDocument, probes: Probes) -> str:
    try:
        if collected.collected_at:
            age = probes.get_utc_now() - datetime.fromisoformat(collected.collected_at)
            seconds = age.total_seconds()
        else:
            seconds = probes.get_utc_now().timestamp() - probes.get_modification_time(collected.path)
    except (OSError, ValueError, TypeError):
        return "of unknown age"
    return f"{format_duration(max(0.0, seconds))} old"


def _check_collector(settings: Settings, probes: Probes) -> Iterator[Finding]:
    """Check the collector. Without it no newer document arrives; the present one stays valid."""
    if any(map(probes.is_process_running, (COLLECTOR_PROCESS, COLLECTOR_LAUNCHER))):
        yield METADATA.report_ok("collector", f"{COLLECTOR_PROCESS} runs")
    else:
        actual = f"{COLLECTOR_PROCESS} does not run: no newer metadata arrives"
        yield METADATA.report_warning("collector", actual, f"systemctl start {COLLECTOR_PROCESS}")
    command = _read_collector_command(settings)
    if command is None:
        advice = "it is set by user data at first boot; see /var/log/cloud-init-output.log"
        yield METADATA.report_warning("collector's command", f"{settings.collector_config} sets none", advice)
    elif "guestagent" in command and "poke" in command:
        yield METADATA.report_ok("collector's command", command)
    else:
        advice = f"set command = guestagent poke in {settings.collector_config}"
        yield METADATA.report_failure(
            "collector's command", "another command, so the agent receives no metadata", advice
        )


def _read_collector_command(settings: Settings) -> str | None:
    """Read the command of os-collect-config; None if its configuration sets none, or cannot be read."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string((atomic_file.read_file(settings.collector_config) or b"").decode(errors="replace"))
    except (StorageError, configparser.Error):
        return None
    return parser.defaults().get("command")
