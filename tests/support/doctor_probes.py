"""A healthy surrounding, of which a test changes one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from guestagent.agent.doctor import Finding, Probes
from guestagent.agent.doctor.probes import DiskSpace
from guestagent.agent.settings import Settings, load_settings
from guestagent.signal.http_client import HttpResponse

NOW = datetime(2026, 11, 23, 18, 1, 0, tzinfo=timezone.utc)
GIB = 2**30


def build_probes(**changes: Any) -> Probes:
    """Names resolve, ports answer, processes run, disks are half empty, clocks agree; with `changes`."""
    healthy = Probes(
        resolve_host=lambda host: ("10.0.0.7",),
        check_port=lambda host, port: None,
        request_root=lambda url, host, ca: HttpResponse(300, "", date=format_datetime(NOW, usegmt=True)),
        send_request=lambda request, ca: HttpResponse(200, ""),
        read_collector_log=lambda seconds: "",
        is_listening=lambda path: True,
        is_process_running=lambda name: True,
        measure_disk_space=lambda path: DiskSpace(5 * GIB, 10 * GIB),
        get_modification_time=lambda path: NOW.timestamp(),
        get_utc_now=lambda: NOW,
    )
    return replace(healthy, **changes)


def build_settings(folder: Path, **changes: Any) -> Settings:
    """Everything below one folder."""
    places = {
        "state_folder": folder / "state",
        "run_folder": folder / "run",
        "collector_cache": folder / "cache",
        "collector_config": folder / "os-collect-config.conf",
    }
    return replace(load_settings(), **{**places, **changes})


def list_grades(findings: Iterable[Finding]) -> dict[str, str]:
    """How each thing that was looked at is."""
    return {finding.name: str(finding.grade) for finding in findings}


def get_finding(name: str, findings: Iterable[Finding]) -> Finding:
    """The one finding of that name."""
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def build_failing_probe(error: Exception) -> Any:
    """A probe that ends so."""

    def probe(*_: object) -> None:
        raise error

    return probe
