"""The services of a seed: which command is run, and when."""

from __future__ import annotations

from pathlib import Path

from guestagent.agent.seed_control import build_systemctl_command, run_service_command, start_unless_running
from guestagent.file_lock import hold_lock


def test_a_service_is_started_without_waiting_for_it() -> None:
    assert build_systemctl_command("start", "x.service") == (
        "systemctl",
        "--no-ask-password",
        "--no-block",
        "start",
        "x.service",
    )


def test_a_worker_is_started(tmp_path: Path) -> None:
    start_unless_running(["touch", str(tmp_path / "started")], tmp_path / "lock")

    assert (tmp_path / "started").exists()


def test_a_worker_that_runs_is_not_started_again(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "lock"):
        start_unless_running(["touch", str(tmp_path / "started")], tmp_path / "lock")

    assert not (tmp_path / "started").exists()


def test_a_command_that_fails_is_not_an_error_of_the_pass() -> None:
    assert run_service_command(["false"]) is False
    assert run_service_command(["/no/such/program"]) is False
    assert run_service_command(["true"]) is True
