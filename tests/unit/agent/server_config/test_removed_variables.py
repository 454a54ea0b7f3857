"""Variables that are removed from the metadata."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from guestagent.agent.outcome import Verdict
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import SetAttempt
from tests.support.option_file_host import FakeHost, build_document


def test_a_removed_dynamic_variable_gets_its_original_value_at_once(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.database.global_variables["wait_timeout"] = "1000"  # another option file's
    host.converge(build_document(wait_timeout=60))
    host.converge(build_document(wait_timeout=70))

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.database.global_variables["wait_timeout"] == "1000"
    assert "wait_timeout" not in host.file.read_text()
    assert host.control.commands == []


def test_a_variable_with_its_original_value_is_no_longer_managed(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(wait_timeout=60))
    host.converge(build_document())
    host.database.global_variables["wait_timeout"] = "500"

    host.converge(build_document())

    assert host.database.global_variables["wait_timeout"] == "500"
    assert host.read_state().originals == {}


def test_a_removed_static_variable_restarts_the_server_once(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(back_log=9))
    assert host.control.commands == ["restart"]
    host.database.global_variables["back_log"] = "9"

    first = host.build_reconciler(build_document()).run_pass()
    host.database.global_variables["back_log"] = "80"
    report = host.converge(build_document())
    host.converge(build_document())

    assert "it was restarted" in first.worst_condition.actual
    assert report.verdict is Verdict.READY
    assert host.control.commands == ["restart", "restart"]


def test_a_removed_variable_without_a_known_original_gets_the_default(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(wait_timeout=60))
    file = ChangeFile(tmp_path / "configuration.json")
    file.write(replace(file.state, originals={}))

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.database.global_variables["wait_timeout"] == "28800"


def test_a_rejected_original_value_is_reported_and_not_retried(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(wait_timeout=60))
    file = ChangeFile(tmp_path / "configuration.json")
    file.write(replace(file.state, tried={"wait_timeout": SetAttempt("28800", "1231, can't be set")}))

    report = host.converge(build_document())

    condition = next(each for each in report.readiness.conditions if each.name == "configuration")
    assert report.verdict is Verdict.READY
    assert host.database.global_variables["wait_timeout"] == "60"
    assert "with the server's next start: " in condition.actual
    assert "wait_timeout (60 now)" in condition.actual
