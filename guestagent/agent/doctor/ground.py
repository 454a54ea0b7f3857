"""What the agent itself stands on: that it runs, and that the disks below it have room."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from guestagent.agent import bell, status
from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.freshness import FreshnessProbes, assess_freshness, describe_doubt
from guestagent.agent.kept_files import advise_on_kept_file
from guestagent.agent.look_time import format_age
from guestagent.agent.pausing import RESUME, Pause
from guestagent.agent.settings import Settings
from guestagent.errors import StorageError
from guestagent.unreadable_file import list_kept_aside

AGENT, DISK = Topic("agent"), Topic("disk")
LEAST_FREE = 64 * 1024 * 1024  # bytes: less is as good as full to a server that is about to write
LOW = 0.1  # of a file system
DO_SPACE = "free space, or give the node a larger volume"


def agent_findings(settings: Settings, mark: Pause | None, probes: Probes) -> Iterator[Finding]:
    """The resident agent, whether an operator has paused it, and what it showed last."""
    if probes.listening(settings.run / bell.NAME):
        yield AGENT.ok("resident", "guestagent serve runs")
    else:
        do = "systemctl start guestagent; journalctl -u guestagent tells why it ended"
        yield AGENT.fail("resident", "guestagent serve does not run", do)
    if mark is not None:
        yield AGENT.warn("pause", str(mark), RESUME)
    yield from _folder_findings(settings.state)
    for path in list_kept_aside(settings.state):
        yield AGENT.warn("state file", f"{path} could not be read and was kept aside", advise_on_kept_file(path))
    try:
        shown = status.read(settings.state / "status.json")
    except StorageError as error:
        yield AGENT.fail("status", str(error), "run the doctor as root")
        return
    if shown is None:
        yield AGENT.warn("status", "no pass has been made here yet")
        return
    freshness = assess_freshness(settings, shown, FreshnessProbes(probes.now, probes.listening))
    if not freshness.is_current:
        do = "systemctl restart guestagent; journalctl -u guestagent tells what holds it up"
        yield AGENT.warn("status", f"was {shown.state} {describe_doubt(freshness)}", do)
    elif shown.ready:
        yield AGENT.ok("status", f"ready, generation {shown.generation}, seen {format_age(freshness.age)}")
    else:
        doing = f", {shown.doing}" if shown.doing else ""
        yield AGENT.warn("status", f"{shown.state}{doing}", "`guestagent status` shows every condition")
        for problem in shown.problems:
            yield AGENT.fail("problem", problem)


def _folder_findings(folder: Path) -> Iterator[Finding]:
    """Whoever may write to the state folder tells the agent what it has done, and what it shall be."""
    try:
        found = folder.stat()
    except OSError:  # there is none yet, or the disk's finding tells
        return
    if found.st_uid not in (0, os.geteuid()):
        do = f"chown -R root:root {folder}, and look at the files in it"
        yield AGENT.fail("state folder", f"{folder} belongs to user {found.st_uid}", do)
    elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        do = f"chmod 700 {folder}, and look at the files in it"
        yield AGENT.fail("state folder", f"{folder} can be written by others than its owner", do)


def disk_findings(folders: dict[str, Path], probes: Probes) -> Iterator[Finding]:
    """The file system below each of these folders."""
    for name, folder in folders.items():
        try:
            seen = probes.space(folder)
        except OSError as error:
            yield DISK.fail(name, f"{folder}: {error.strerror or error}")
            continue
        said = f"{folder}: {seen.free // 2**20} MiB of {seen.total // 2**20} free"
        if seen.free < LEAST_FREE:
            yield DISK.fail(name, said, DO_SPACE)
        elif seen.free < LOW * seen.total:
            yield DISK.warn(name, said, DO_SPACE)
        else:
            yield DISK.ok(name, said)
