"""Restarts of servers that do not start, or do not answer, and reboots of their hosts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.agent.server_config.change_state import Phase
from guestagent.agent.service_control import CommandResult
from tests.support.option_file_host import FakeHost, build_document


def test_a_server_that_does_not_start_gets_the_previous_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path, content="[mariadbd]\nlog_bin = binlog\n# the image's\n")

    report = host.converge(build_document(back_log=7))

    assert (report.verdict, host.is_up) == (Verdict.FAILED, True)
    assert host.file.read_text() == "[mariadbd]\nlog_bin = binlog\n# the image's\n"
    assert report.readiness.worst_condition.actual == (
        "the server did not start with it (Job failed); variable: back_log; "
        "last error log lines: unknown variable 'back_log=7'"
    )
    assert host.control.commands == ["restart", "restart"]
    assert host.converge(build_document(back_log=8)).verdict is Verdict.READY


def test_a_server_that_is_silent_until_the_deadline_gets_the_previous_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)

    def start_silently_once() -> CommandResult:
        host.start_server()
        return CommandResult(True)

    host.control.on_command = start_silently_once

    report = host.converge(build_document(back_log=7))
    reconciler = host.build_reconciler(build_document(back_log=7))
    host.clock.sleep(90)
    reconciler.run_pass()

    assert report.verdict is Verdict.FAILED
    assert "restart" in host.control.commands
    assert host.read_state().phase is Phase.RESTORING
    assert "no answer" in host.read_state().why
    assert "back_log" not in host.file.read_text()


@pytest.mark.parametrize(
    ("log", "actual"),
    [
        (
            "[ERROR] unknown variable 'back_log=7'\n[ERROR] Aborting",
            "; the server's last errors: unknown variable",
        ),
        ("[ERROR] Disk is full writing 'binlog.1' (Errcode: 28)", "; the server's last errors: Disk is full"),
        ("[ERROR] unknown variable 'back_log=7'\n[Note] ready for connections.", ""),
        ("", ""),
    ],
)
def test_a_server_that_did_not_start_at_the_boot_is_reported_with_its_own_errors(
    log: str, actual: str, tmp_path: Path
) -> None:
    host = FakeHost(tmp_path)
    host.is_up, host.control.log_output = False, log

    report = host.converge(build_document())

    assert report.verdict is Verdict.FAILED
    assert report.readiness.worst_condition.actual.startswith(f"nobody answers{actual}")
    assert ("last errors" in report.readiness.worst_condition.actual) == bool(actual)
    assert host.control.commands == []


def start_silently(host: FakeHost) -> None:
    """Have the service manager report a server as started that does not answer."""

    def start() -> CommandResult:
        host.start_server()
        return CommandResult(True)

    host.control.on_command = start


def reboot(host: FakeHost, uptime: float) -> None:
    """Reboot the host: its clock begins at zero, and the service manager starts the server."""
    host.boot_id, host.clock.time = f"after {host.boot_id}", uptime
    host.start_server()


def test_after_a_reboot_during_a_restart_the_time_counts_from_the_first_silence(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.clock.time = 30 * 86400.0
    start_silently(host)
    host.converge(build_document(back_log=7))

    reboot(host, uptime=40)
    host.build_reconciler(build_document(back_log=7)).run_pass()
    host.clock.sleep(89)
    early_readiness = host.build_reconciler(build_document(back_log=7)).run_pass()
    host.clock.sleep(1)
    host.build_reconciler(build_document(back_log=7)).run_pass()

    assert "(89 s after the restart)" in early_readiness.worst_condition.actual
    assert host.read_state().phase is Phase.RESTORING
    assert "back_log" not in host.file.read_text()


def test_a_file_that_prevents_a_start_after_a_reboot_is_rolled_back(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    host.rejected_line, host.control.log_output = (
        "sync_binlog = 1\n",
        "[ERROR] unknown variable 'sync_binlog=1'",
    )
    assert host.read_state().phase is Phase.WRITTEN

    reboot(host, uptime=40)
    report = host.converge(build_document())

    assert host.is_up
    assert report.verdict is Verdict.FAILED
    assert host.file.read_text() == "[mariadbd]\nlog_bin = binlog\n"
    assert "the server did not start with it" in report.readiness.worst_condition.actual


def test_a_broken_start_command_after_a_reboot_does_not_roll_back_the_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    content = host.file.read_text()
    host.control.on_command, host.control.log_output = (
        lambda: CommandResult(False, "Unit mysqld.service not found."),
        "",
    )

    reboot(host, uptime=40)
    host.is_up = False
    early_readiness = host.build_reconciler(build_document()).run_pass()
    host.is_up = True
    report = host.converge(build_document())

    assert "after the restart" in early_readiness.worst_condition.actual
    assert report.verdict is Verdict.READY
    assert host.file.read_text() == content


class HostWithFailingStarts(FakeHost):
    """A host whose server does not start, with any file, for the first `failure_count` commands."""

    def __init__(self, folder: Path, failure_count: int) -> None:
        super().__init__(folder)
        self.failure_count, self.start_times = failure_count, list[float]()
        self.control.on_command = self.start_if_allowed

    def start_if_allowed(self) -> CommandResult:
        self.start_times.append(self.clock.now())
        if len(self.start_times) <= self.failure_count:
            self.is_up = False
            return CommandResult(False, "Job failed")
        return self.start_server()


def test_a_server_that_fails_with_the_previous_file_is_started_repeatedly(tmp_path: Path) -> None:
    host = HostWithFailingStarts(tmp_path, failure_count=6)

    report = host.converge(build_document(back_log=9))

    assert host.is_up
    assert report.verdict is Verdict.FAILED
    assert "back_log" not in host.file.read_text()
    assert host.control.commands == ["restart", "restart", *["start"] * 5]
    intervals = [end - start for start, end in itertools.pairwise(host.start_times[1:])]
    assert all(interval >= least for interval, least in zip(intervals, (2, 4, 8, 16, 32), strict=True)), (
        intervals
    )


def test_the_error_of_a_start_with_the_previous_file_is_reported(tmp_path: Path) -> None:
    host = HostWithFailingStarts(tmp_path, failure_count=99)

    report = host.converge(build_document(back_log=9))

    condition = report.readiness.worst_condition
    assert (report.verdict, condition.state) == (Verdict.FAILED, ConditionState.PENDING)
    assert condition.actual.startswith(
        "it does not start with that file either (Job failed; last error log lines: unknown"
    )
    assert condition.advice == "see the server's error log; it is started again at least once every 60 s"


def test_a_server_that_is_stopped_after_a_rollback_stays_stopped(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(back_log=7))
    commands = list(host.control.commands)
    host.is_up = False

    host.build_reconciler(build_document(back_log=7)).run_pass()

    assert host.read_state().phase is Phase.REFUSED
    assert host.control.commands == commands


def test_a_stale_log_file_does_not_hide_the_reason_in_the_journal(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    (tmp_path / "error.log").write_text("2026-11-24 10:00:00 0 [ERROR] an error of an earlier start\n")
    host.database.global_variables["log_error"] = "error.log"

    report = host.converge(build_document(back_log=7))

    assert "unknown variable 'back_log=7'" in report.readiness.worst_condition.actual
    assert "earlier start" not in report.readiness.worst_condition.actual


def test_the_servers_errors_go_to_the_journal_from_the_next_start_on_without_a_restart(
    tmp_path: Path,
) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    text_of_an_older_agent = host.file.read_text().replace("skip_log_error = ON\n", "")
    host.file.write_text(text_of_an_older_agent)
    host.control.commands.clear()

    reports = [host.converge(build_document()), host.converge(build_document())]

    assert [report.verdict for report in reports] == [Verdict.READY, Verdict.READY]
    assert "skip_log_error = ON\n" in host.file.read_text()
    assert host.control.commands == []
