"""What the agent itself stands on: that it runs, and that the disks below it have room."""

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
from guestagent.agent.timestamp import format_age
from guestagent.errors import StorageError
from guestagent.unreadable_file import list_quarantined_files

AGENT, DISK = Topic("agent"), Topic("disk")
FREE_BYTES_MINIMUM = 64 * 1024 * 1024  # bytes: less is as good as full to a server that is about to write
LOW_SPACE_SHARE = 0.1  # of a file system
SPACE_ADVICE = "free space, or give the node a larger volume"


def check_agent(settings: Settings, mark: Pause | None, probes: Probes) -> Iterator[Finding]:
    """The resident agent, whether an operator has paused it, and what it showed last."""
    if probes.is_listening(settings.run_folder / wakeup_pipe.PIPE_NAME):
        yield AGENT.report_ok("resident", "guestagent serve runs")
    else:
        do = "systemctl start guestagent; journalctl -u guestagent tells why it ended"
        yield AGENT.report_failure("resident", "guestagent serve does not run", do)
    if mark is not None:
        yield AGENT.report_warning("pause", str(mark), RESUME_ADVICE)
    yield from _folder_findings(settings.state_folder)
    for path in list_quarantined_files(settings.state_folder):
        yield AGENT.report_warning(
            "state file", f"{path} could not be read and was kept aside", advise_on_kept_file(path)
        )
    try:
        shown = status.read_status(settings.state_folder / "status.json")
    except StorageError as error:
        yield AGENT.report_failure("status", str(error), "run the doctor as root")
        return
    if shown is None:
        yield AGENT.report_warning("status", "no pass has been made here yet")
        return
    freshness = assess_freshness(settings, shown, FreshnessProbes(probes.read_timestamp, probes.is_listening))
    if not freshness.is_current:
        do = "systemctl restart guestagent; journalctl -u guestagent tells what holds it up"
        yield AGENT.report_warning("status", f"was {shown.state} {describe_doubt(freshness)}", do)
    elif shown.is_ready:
        yield AGENT.report_ok(
            "status", f"ready, generation {shown.generation}, seen {format_age(freshness.age)}"
        )
    else:
        doing = f", {shown.doing}" if shown.doing else ""
        yield AGENT.report_warning(
            "status", f"{shown.state}{doing}", "`guestagent status` shows every condition"
        )
        for problem in shown.problems:
            yield AGENT.report_failure("problem", problem)


def _folder_findings(folder: Path) -> Iterator[Finding]:
    """Whoever may write to the state folder tells the agent what it has done, and what it shall be."""
    try:
        found = folder.stat()
    except OSError:  # there is none yet, or the disk's finding tells
        return
    if found.st_uid not in (0, os.geteuid()):
        do = f"chown -R root:root {folder}, and look at the files in it"
        yield AGENT.report_failure("state folder", f"{folder} belongs to user {found.st_uid}", do)
    elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        do = f"chmod 700 {folder}, and look at the files in it"
        yield AGENT.report_failure("state folder", f"{folder} can be written by others than its owner", do)


def check_disks(folders: dict[str, Path], probes: Probes) -> Iterator[Finding]:
    """The file system below each of these folders."""
    for name, folder in folders.items():
        try:
            seen = probes.measure_disk_space(folder)
        except OSError as error:
            yield DISK.report_failure(name, f"{folder}: {error.strerror or error}")
            continue
        said = f"{folder}: {seen.free // 2**20} MiB of {seen.total // 2**20} free"
        if seen.free < FREE_BYTES_MINIMUM:
            yield DISK.report_failure(name, said, SPACE_ADVICE)
        elif seen.free < LOW_SPACE_SHARE * seen.total:
            yield DISK.report_warning(name, said, SPACE_ADVICE)
        else:
            yield DISK.report_ok(name, said)
