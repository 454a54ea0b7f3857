"""A healthy surrounding, of which a test changes one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from guestagent.agent.doctor import Finding, Probes
from guestagent.agent.doctor.probes import Space
from guestagent.agent.settings import Settings, load
from guestagent.signal.web import Answer

NOW = datetime(2026, 11, 23, 18, 1, 0, tzinfo=timezone.utc)
GIB = 2**30


def probes(**changes: Any) -> Probes:
    """Names resolve, ports answer, processes run, disks are half empty, clocks agree; with `changes`."""
    healthy = Probes(
        resolved=lambda host: ("10.0.0.7",),
        connected=lambda host, port: None,
        greeted=lambda url, host, ca: Answer(300, "", date=format_datetime(NOW, usegmt=True)),
        listening=lambda path: True,
        running=lambda name: True,
        space=lambda path: Space(5 * GIB, 10 * GIB),
        changed=lambda path: NOW.timestamp(),
        today=lambda: NOW,
    )
    return replace(healthy, **changes)


def settings(folder: Path, **changes: Any) -> Settings:
    """Everything below one folder."""
    places = {
        "state": folder / "state",
        "run": folder / "run",
        "collector_cache": folder / "cache",
        "collector_config": folder / "os-collect-config.conf",
    }
    return replace(load(), **{**places, **changes})


def graded(findings: Iterable[Finding]) -> dict[str, str]:
    """How each thing that was looked at is."""
    return {finding.name: str(finding.grade) for finding in findings}


def of(name: str, findings: Iterable[Finding]) -> Finding:
    """The one finding of that name."""
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def raises(error: Exception) -> Any:
    """A probe that ends so."""

    def probe(*_: object) -> None:
        raise error

    return probe
