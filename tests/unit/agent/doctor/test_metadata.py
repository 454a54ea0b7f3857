"""Does the node know what it shall be?"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from guestagent.agent.doctor.metadata import check_metadata
from guestagent.agent.doctor.probes import is_process_running
from guestagent.agent.metadata_files import CollectedDocument
from tests.support.doctor_probes import NOW, build_probes, build_settings, get_finding, list_grades
from tests.support.signal_handles import URL

SOURCE = {"ReadyWaitCondition": URL, "GuestAgent": {"Node": "Master0000", "Generation": 3}}


def build_collected(document: Mapping[str, object] = SOURCE, hours: float = 3) -> CollectedDocument:
    at = (NOW - timedelta(hours=hours)).isoformat(timespec="seconds")
    return CollectedDocument.from_document(document, Path("/var/lib/guestagent/cfn.json"), at)


def write_collector_config(folder: Path, command: str = "guestagent poke") -> None:
    (folder / "os-collect-config.conf").write_text(
        f"[DEFAULT]\ncommand = {command}\n[cfn]\nsecret_access_key = %x\n"
    )


def test_a_document_is_reported_with_origin_age_and_role(tmp_path: Path) -> None:
    write_collector_config(tmp_path)

    findings = list(check_metadata(build_collected(), build_settings(tmp_path), build_probes()))

    assert set(list_grades(findings).values()) == {"ok"}
    assert get_finding("document", findings).actual == "/var/lib/guestagent/cfn.json, 3 h old"
    assert get_finding("content", findings).actual == "source, generation 3, node Master0000"


def test_no_document_at_all_is_a_failure(tmp_path: Path) -> None:
    assert list_grades(check_metadata(None, build_settings(tmp_path), build_probes()))["document"] == "fail"


def test_every_problem_of_a_document_is_a_finding(tmp_path: Path) -> None:
    broken = build_collected({"ReadyWaitCondition": URL, "Users": 3, "GuestAgent": {"Verson": 1}})

    findings = [
        f for f in check_metadata(broken, build_settings(tmp_path), build_probes()) if f.name == "content"
    ]

    assert [f.actual.partition(":")[0] for f in findings] == ["Users", "GuestAgent.Verson"]


def test_a_stopped_collector_is_a_warning(tmp_path: Path) -> None:
    write_collector_config(tmp_path)

    findings = check_metadata(
        build_collected(), build_settings(tmp_path), build_probes(is_process_running=lambda name: False)
    )

    assert list_grades(findings)["collector"] == "warn"


@pytest.mark.parametrize("process", ["os-collect-config", "guestagent collect"])
def test_the_collector_runs_by_itself_or_in_the_images_launcher(process: str, tmp_path: Path) -> None:
    probes = build_probes(is_process_running=lambda name: name == process)

    findings = check_metadata(build_collected(), build_settings(tmp_path), probes)

    assert list_grades(findings)["collector"] == "ok"


def test_a_process_is_found_by_its_script_and_an_argument() -> None:
    script = "print(flush=True); input()"
    with subprocess.Popen(
        ["sh", "-c", f"exec python3 -c '{script}'", "doctor-probe"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert is_process_running("python3 -c")
        assert not is_process_running("python3 no-such-argument")
        process.kill()


@pytest.mark.parametrize(
    ("command", "grade"), [("os-refresh-config", "fail"), ("/opt/bin/guestagent poke", "ok")]
)
def test_the_collector_must_run_guestagent_poke(command: str, grade: str, tmp_path: Path) -> None:
    write_collector_config(tmp_path, command)

    findings = check_metadata(build_collected(), build_settings(tmp_path), build_probes())

    assert list_grades(findings)["collector's command"] == grade


def test_a_collector_without_a_command_is_reported(tmp_path: Path) -> None:
    assert (
        list_grades(check_metadata(build_collected(), build_settings(tmp_path), build_probes()))[
            "collector's command"
        ]
        == "warn"
    )
