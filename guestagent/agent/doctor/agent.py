"""The agent itself: its process, its state folder and its last status."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from guestagent.agent import status, wakeup_pipe
from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.freshness import FreshnessProbes, assess_freshness, describe_doubt
from guestagent.agent.kept_file_advice import advise_on_kept_file
from guestagent.agent.pause import RESUME_ADVICE, Pause
from guestagent.agent.settings import Settings
from guestagent.agent.status import AgentStatus
from guestagent.agent.timestamp import format_age
from guestagent.errors import StorageError
from guestagent.unreadable_file import list_quarantined_files

AGENT = Topic("agent")


def check_agent(settings: Settings, pause: Pause | None, probes: Probes) -> Iterator[Finding]:
    """Check the resident agent, a pause, the files in its state folder and its last status."""
    if probes.is_listening(settings.run_folder / wakeup_pipe.PIPE_NAME):
        yield AGENT.report_ok("resident", "guestagent serve runs")
    else:
        advice = "systemctl start guestagent; journalctl -u guestagent shows why it stopped"
        yield AGENT.report_failure("resident", "guestagent serve does not run", advice)
    if pause is not None:
        yield AGENT.report_warning("pause", str(pause), RESUME_ADVICE)
    yield from _check_folder(settings.state_folder)
    for path in list_quarantined_files(settings.state_folder):
        yield AGENT.report_warning(
            "state file", f"{path} could not be read and was quarantined", advise_on_kept_file(path)
        )
    try:
        last_status = status.read_status(settings.state_folder / "status.json")
    except StorageError as error:
        yield AGENT.report_failure("status", str(error), "run the doctor as root")
        return
    if last_status is None:
        yield AGENT.report_warning("status", "the agent has not looked at the server yet")
        return
    yield from _check_status(last_status, settings, probes)


def _check_folder(folder: Path) -> Iterator[Finding]:
    """Check who can write to the state folder: its files decide what the agent does next."""
    try:
        attributes = folder.stat()
    except OSError:  # it does not exist yet, or the check of the disk reports the error
        return
    if attributes.st_uid not in (0, os.geteuid()):
        advice = f"chown -R root:root {folder}, and check the files in it"
        yield AGENT.report_failure("state folder", f"{folder} belongs to user {attributes.st_uid}", advice)
    elif attributes.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        advice = f"chmod 700 {folder}, and check the files in it"
        yield AGENT.report_failure("state folder", f"users other than its owner can write {folder}", advice)


def _check_status(last_status: AgentStatus, settings: Settings, probes: Probes) -> Iterator[Finding]:
    freshness_probes = FreshnessProbes(probes.read_timestamp, probes.is_listening)
    freshness = assess_freshness(settings, last_status, freshness_probes)
    if not freshness.is_current:
        advice = "systemctl restart guestagent; journalctl -u guestagent shows what delays it"
        yield AGENT.report_warning("status", f"was {last_status.state} {describe_doubt(freshness)}", advice)
    elif last_status.is_ready:
        age = format_age(freshness.age)
        yield AGENT.report_ok("status", f"ready, generation {last_status.generation}, seen {age}")
    else:
        activity = f", {last_status.doing}" if last_status.doing else ""
        advice = "`guestagent status` shows every condition"
        yield AGENT.report_warning("status", f"{last_status.state}{activity}", advice)
        for problem in last_status.problems:
            yield AGENT.report_failure("problem", problem)
