"""Does the node know what it shall be?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from guestagent.agent.collect import Collected
from guestagent.agent.doctor.metadata import metadata_findings
from tests.unit.agent.doctor.surroundings import NOW, graded, of, probes, settings
from tests.unit.signal.handles import URL

SOURCE = {"ReadyWaitCondition": URL, "GuestAgent": {"Node": "Master0000", "Generation": 3}}


def collected(document: Mapping[str, object] = SOURCE, hours: float = 3) -> Collected:
    at = (NOW - timedelta(hours=hours)).isoformat(timespec="seconds")
    return Collected.of(document, Path("/var/lib/guestagent/cfn.json"), at)


def configured(folder: Path, command: str = "guestagent poke") -> None:
    (folder / "os-collect-config.conf").write_text(
        f"[DEFAULT]\ncommand = {command}\n[cfn]\nsecret_access_key = %x\n"
    )


def test_a_document_tells_where_it_is_from_how_old_it_is_and_what_it_asks(tmp_path: Path) -> None:
    configured(tmp_path)

    found = list(metadata_findings(collected(), settings(tmp_path), probes()))

    assert set(graded(found).values()) == {"ok"}
    assert of("document", found).seen == "/var/lib/guestagent/cfn.json, 3 h old"
    assert of("content", found).seen == "source, generation 3, node Master0000"


def test_no_document_at_all_is_a_failure(tmp_path: Path) -> None:
    assert graded(metadata_findings(None, settings(tmp_path), probes()))["document"] == "fail"


def test_every_problem_of_a_document_is_a_line(tmp_path: Path) -> None:
    broken = collected({"ReadyWaitCondition": URL, "Users": 3, "GuestAgent": {"Verson": 1}})

    found = [f for f in metadata_findings(broken, settings(tmp_path), probes()) if f.name == "content"]

    assert [f.seen.partition(":")[0] for f in found] == ["Users", "GuestAgent.Verson"]


def test_a_collector_that_does_not_run_brings_nothing_new(tmp_path: Path) -> None:
    configured(tmp_path)

    found = metadata_findings(collected(), settings(tmp_path), probes(running=lambda name: False))

    assert graded(found)["collector"] == "warn"


@pytest.mark.parametrize(
    ("command", "grade"), [("os-refresh-config", "fail"), ("/opt/bin/guestagent poke", "ok")]
)
def test_a_collector_must_hand_over_to_the_agent(command: str, grade: str, tmp_path: Path) -> None:
    configured(tmp_path, command)

    found = metadata_findings(collected(), settings(tmp_path), probes())

    assert graded(found)["collector's command"] == grade


def test_a_collector_without_a_configuration_is_told(tmp_path: Path) -> None:
    assert (
        graded(metadata_findings(collected(), settings(tmp_path), probes()))["collector's command"] == "warn"
    )
