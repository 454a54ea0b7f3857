"""The status of the resident agent: in status.json for `guestagent status`, in the log, and for systemd."""

from __future__ import annotations

import logging
from pathlib import Path

from guestagent.agent import status
from guestagent.agent.outcome import Progress, Report, Verdict
from guestagent.agent.status import AgentStatus
from guestagent.agent.systemd_notify import notify_systemd
from guestagent.metadata import Document

LOG = logging.getLogger("guestagent")


class StatusReporter:
    """Writes every status, and logs only the changes."""

    def __init__(self, state_folder: Path) -> None:
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
        """Log a new activity, and show it in the service's status."""
        if self._status is None or self._status.doing != progress.activity:
            LOG.info("%.1f s: %s", progress.elapsed, progress.activity)
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
