"""The option file and the restart on a machine of a test's own: cut anywhere, and with servers that do not come up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.agent.pause import Pause
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.agent.service_control import CommandResult, FakeServiceControl
from guestagent.database.fake import SimulatedCrash
from guestagent.retry import FakeClock
from tests.support.journals import corrupt_journal
from tests.support.option_file_host import FakeHost, build_document


def test_a_dynamic_variable_needs_no_restart(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.control.commands == []
    assert host.database.global_variables["sync_binlog"] == "1"
    assert "sync_binlog = 1" in host.file.read_text()


def test_a_static_variable_restarts_the_server_once(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)

    report = host.converge(build_document(performance_schema=True))
    writes = host.database.write_count
    second_report = host.converge(build_document(performance_schema=True))

    assert (report.verdict, second_report.verdict) == (Verdict.READY, Verdict.READY)
    assert host.control.commands == ["restart"]
    assert host.database.global_variables["performance_schema"] == "ON"
    assert host.database.write_count == writes


def test_drift_of_a_static_variable_does_not_restart_a_ready_server(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(performance_schema=True))
    host.database.global_variables["performance_schema"] = "OFF"

    report = host.converge(build_document(performance_schema=True))

    assert report.verdict is Verdict.FAILED
    assert report.readiness.worst_condition.actual == "performance_schema = OFF"
    assert host.control.commands == ["restart"]


def test_a_lost_option_file_is_written_again(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    text = host.file.read_text()
    host.file.unlink()

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.file.read_text() == text
    assert host.control.commands == []


def test_a_server_with_data_and_without_a_log_names_the_missing_option_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.database.state = replace(host.database.state, binary_log=False, schemas=("shop",))
    host.file.unlink()

    condition = host.converge(build_document()).readiness.worst_condition

    assert (condition.name, condition.state) == ("binary log", ConditionState.FINAL)
    assert condition.advice.startswith(
        f"{host.file} is missing, which turns it on: put it back from the image"
    )
    assert not host.file.exists()


class SlowServiceControl(FakeServiceControl):
    """A service manager that needs `seconds` for a restart."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        self._clock.sleep(self._seconds)
        return super().restart(meanwhile)


class HostWithKilledAgent(FakeHost):
    """A host whose agent is killed when the service command `command_number` begins, or (`after_command`) ends."""

    def __init__(self, folder: Path, command_number: int, after_command: bool) -> None:
        super().__init__(folder)
        self.control.on_command = self.start_and_crash
        self._remaining_commands, self._after_command = command_number, after_command

    def start_and_crash(self) -> CommandResult:
        self._remaining_commands -= 1
        if self._remaining_commands == 0 and not self._after_command:
            raise SimulatedCrash
        result = self.start_server()
        if self._remaining_commands == 0:
            raise SimulatedCrash
        return result


@pytest.mark.parametrize("after_command", [False, True])
@pytest.mark.parametrize("command_number", [1, 2])
@pytest.mark.parametrize("value", [7, 9])
def test_an_agent_that_is_killed_around_a_restart_converges(
    tmp_path: Path, command_number: int, after_command: bool, value: int
) -> None:
    host = HostWithKilledAgent(tmp_path, command_number, after_command)
    with suppress(SimulatedCrash):
        host.converge(build_document(back_log=value))

    report = host.converge(build_document(back_log=value))

    assert host.is_up
    assert report.verdict is (Verdict.FAILED if value == 7 else Verdict.READY), (
        report.readiness.worst_condition
    )
    assert ("back_log = 7\n" in host.file.read_text()) is False


def test_a_pause_protects_the_file_and_the_server(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    content, host.pause = host.file.read_text(), Pause("alice", "now")

    report = host.converge(build_document(performance_schema=True))

    assert (host.file.read_text(), host.control.commands, host.database.write_count) == (content, [], 0)
    assert "restart the database server for performance_schema" in report.readiness.worst_condition.expected


def test_during_a_pause_a_failed_attempt_does_not_count_for_another_value(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    file = ChangeFile(host.folder / "configuration.json")
    file.write(replace(file.state, tried={"sync_binlog": SetAttempt("7", "too many")}))
    host.database.global_variables["sync_binlog"] = "0"
    host.pause = Pause("alice", "now")

    report = host.converge(build_document())

    expected_texts = [each.expected for each in report.readiness.conditions if each.name == "configuration"]
    assert (expected_texts, report.verdict) == (["sync_binlog = 1"], Verdict.FAILED)


def test_a_restart_that_is_not_complete_at_the_deadline_is_reported_as_running(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.control = SlowServiceControl(host.clock, 1000)

    report = host.converge(build_document(performance_schema=True))

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert (
        report.readiness.worst_condition.actual
        == "it is being restarted; the command had not ended at the deadline"
    )


def test_with_a_lost_journal_no_file_is_put_back(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    host.database.state = replace(host.database.state, schemas=("shop",))
    file = ChangeFile(host.folder / "configuration.json")
    file.write(replace(file.state, phase=Phase.RESTORING, previous="[mariadbd]\n"))
    corrupt_journal(tmp_path)
    before = host.file.read_text()

    report = host.converge(build_document())

    assert (report.readiness.worst_condition.name, host.file.read_text()) == ("journal", before)


def test_variables_need_an_option_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    dependencies = replace(host.build_reconciler(build_document(back_log=9)).dependencies, configuration=None)
    reconciler = Reconciler(
        build_document(back_log=9),
        "task",
        "10.0.0.1",
        dependencies,
    )

    report = reconciler.converge(90)

    assert report.readiness.worst_condition.actual == "a machine without an option file of the agent's"


def test_a_state_is_read_back_and_a_torn_file_counts_as_missing(tmp_path: Path) -> None:
    state = ChangeState(Phase.WRITTEN, "mariadb", "/f", "new", None, since=1.5, proved="{}")
    ChangeFile(tmp_path / "r").write(state)

    assert ChangeFile(tmp_path / "r").state == state
    (tmp_path / "r").write_text('{"version": 1')
    assert ChangeFile(tmp_path / "r").state == ChangeState()
