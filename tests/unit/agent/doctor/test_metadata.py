"""Does the node know what it shall be?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from guestagent.agent.doctor.metadata import check_metadata
from guestagent.agent.metadata_files import CollectedDocument
from tests.support.doctor_probes import NOW, build_probes, build_settings, get_finding, list_grades
from tests.support.signal_handles import URL

SOURCE = {"ReadyWaitCondition": URL, "GuestAgent": {"Node": "Master0000", "Generation": 3}}


def collected(document: Mapping[str, object] = SOURCE, hours: float = 3) -> CollectedDocument:
    at = (NOW - timedelta(hours=hours)).isoformat(timespec="seconds")
    return CollectedDocument.from_document(document, Path("/var/lib/guestagent/cfn.json"), at)


def configured(folder: Path, command: str = "guestagent poke") -> None:
    (folder / "os-collect-config.conf").write_text(
        f"[DEFAULT]\ncommand = {command}\n[cfn]\nsecret_access_key = %x\n"
    )


def test_a_document_tells_where_it_is_from_how_old_it_is_and_what_it_asks(tmp_path: Path) -> None:
    configured(tmp_path)

    found = list(check_metadata(collected(), build_settings(tmp_path), build_probes()))

    assert set(list_grades(found).values()) == {"ok"}
    assert get_finding("document", found).actual == "/var/lib/guestagent/cfn.json, 3 h old"
    assert get_finding("content", found).actual == "source, generation 3, node Master0000"


def test_no_document_at_all_is_a_failure(tmp_path: Path) -> None:
    assert list_grades(check_metadata(None, build_settings(tmp_path), build_probes()))["document"] == "fail"


def test_every_problem_of_a_document_is_a_line(tmp_path: Path) -> None:
    broken = collected({"ReadyWaitCondition": URL, "Users": 3, "GuestAgent": {"Verson": 1}})

    found = [
        f for f in check_metadata(broken, build_settings(tmp_path), build_probes()) if f.name == "content"
    ]

    assert [f.actual.partition(":")[0] for f in found] == ["Users", "GuestAgent.Verson"]


def test_a_collector_that_does_not_run_brings_nothing_new(tmp_path: Path) -> None:
    configured(tmp_path)

    found = check_metadata(
        collected(), build_settings(tmp_path), build_probes(is_process_running=lambda name: False)
    )

    assert list_grades(found)["collector"] == "warn"


@pytest.mark.parametrize(
    ("command", "grade"), [("os-refresh-config", "fail"), ("/opt/bin/guestagent poke", "ok")]
)
def test_a_collector_must_hand_over_to_the_agent(command: str, grade: str, tmp_path: Path) -> None:
    configured(tmp_path, command)

    found = check_metadata(collected(), build_settings(tmp_path), build_probes())

    assert list_grades(found)["collector's command"] == grade


def test_a_collector_without_a_configuration_is_told(tmp_path: Path) -> None:
    assert (
        list_grades(check_metadata(collected(), build_settings(tmp_path), build_probes()))[
            "collector's command"
        ]
        == "warn"
    )
