"""The status of the resident agent: in status.json for `guestagent status`, in the log, and for systemd."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable
from pathlib import Path

from guestagent.agent import status
from guestagent.agent.outcome import Progress, Report, Verdict
from guestagent.agent.status import AgentStatus
from guestagent.agent.systemd_notify import notify_systemd
from guestagent.metadata import Document

LOG = logging.getLogger("guestagent")
DIGITS_PATTERN = re.compile(r"[0-9]+")
NUMBERS_INTERVAL_S = 30.0


class StatusReporter:
    """Writes every status, and logs only the changes."""

    def __init__(self, state_folder: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._logged_activity, self._logged_at = now, "", -math.inf
        self._path = state_folder / "status.json"
        self._status: AgentStatus | None = None
        self._result_line = ""

    @property
    def has_status(self) -> bool:
        """Whether a status of the present document was written."""
        return self._status is not None

    def start_document(self) -> None:
        """Forget the status of the former document."""
        self._status = None

    def show(self, agent_status: AgentStatus) -> None:
        """Write the status."""
        status.write_status(self._path, agent_status)
        self._status = agent_status

    def log_progress(self, progress: Progress) -> None:
        """Log a new activity, and show it in the service's status.

        One in which only numbers have changed, such as the bytes of a seed, is logged at intervals.
        """
        activity, now = DIGITS_PATTERN.sub("", progress.activity), self._now()
        is_due = self._status is None or activity != self._logged_activity
        has_changed = self._status is None or self._status.doing != progress.activity
        if is_due or (has_changed and now - self._logged_at >= NUMBERS_INTERVAL_S):
            LOG.info("%.1f s: %s", progress.elapsed, progress.activity)
            self._logged_activity, self._logged_at = activity, now
        notify_systemd(f"STATUS={progress.activity}")

    def show_progress(self, document: Document, progress: Progress) -> None:
        """Write the status of a node that is not ready yet."""
        section, readiness = document.section, progress.readiness
        self.show(
            AgentStatus(
                "converging",
                progress.activity,
                node=section.node,
                role=str(document.role),
                generation=section.generation,
                elapsed=progress.elapsed,
                deadline=section.deadline,
                conditions=() if readiness is None else readiness.conditions,
            )
        )

    def log_result(self, report: Report) -> None:
        """Log a new result, and show it in the service's status."""
        line = str(report.verdict)
        if report.verdict is not Verdict.READY:
            line += f" after {report.elapsed:.1f} s: {report.readiness.worst_condition}"
        if line != self._result_line:
            LOG.info("%s", line)
        self._result_line = line
        notify_systemd(f"STATUS={line}")
