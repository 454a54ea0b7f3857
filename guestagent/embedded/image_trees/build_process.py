"""A build that runs for minutes: its output goes to a log, and its phase is reported from time to time.

This is the only file of this package that imports subprocess.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from guestagent.errors import CloudError, DeadlineExceeded

REPORT_INTERVAL_S = 20.0
LOG_TAIL_LINES = 30
PHASE_PATTERN = re.compile(r"dib-run-parts Running \S+/(?P<phase>[\w-]+)\.d/")
# Nothing of the build outlives this process, kill -9 included: not a process, and not a mount.
CONTAIN_COMMAND = (
    "setpriv", "--pdeathsig", "KILL", "--",
    "unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
)  # fmt: skip

ReportProgress = Callable[[str], None]


def run_build(
    description: str,
    argv: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    report: ReportProgress,
) -> None:
    """Run a command to its end. CloudError with the end of its log if it fails."""
    start_time = next_report_time = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            (*CONTAIN_COMMAND, *argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd="/",
        )
    try:
        while process.poll() is None:
            seconds = time.monotonic() - start_time
            if seconds > timeout_s:
                raise DeadlineExceeded(f"{description} did not end within {timeout_s:g} s; its log is {log}")
            if time.monotonic() >= next_report_time + REPORT_INTERVAL_S:
                next_report_time += REPORT_INTERVAL_S
                report(f"{description}: {find_phase(log.read_text(errors='replace'))} after {seconds:.0f} s")
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        raise CloudError(
            f"{description} failed with exit code {process.returncode}; the whole log is {log}, and it ends with:\n"
            + "\n".join(lines)
        )


def find_phase(log: str) -> str:
    """Return the phase of diskimage-builder that a log ends in."""
    phases = PHASE_PATTERN.findall(log)
    return str(phases[-1]) if phases else "start"
