"""What an order to clean does next with each of its findings. Pure.

The operation's `result` is its memory: what was requested, and what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.natives.suspects import Suspect

CLEAN_DEADLINE_S = 1800.0
CLEAN_PAUSE_S = 2.0
LONGEST_CLEAN_PAUSE_S = 30.0
REQUESTED = "requested"
DELETED = "deleted"
CHANGED = "skipped: it is gone, or it has changed since: audit again"
NOT_CLEANABLE = "skipped: there is nothing to delete"
STILL_THERE = "skipped: it is still there after half an hour"
DELETING_STATUSES = frozenset({"deleting", "DELETED", "SOFT_DELETED"})


@dataclass(frozen=True, slots=True)
class Deletion:
    """The request that deletes what was found, and its text for people."""

    request: CloudRequest
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningPlan:
    """The next deletions by finding, and the result as it is before they are sent.

    `waiting_for` is why findings without a deletion are not settled; "" if the order is carried out.
    """

    result: Mapping[str, str]
    deletions: Mapping[str, Deletion] = field(default_factory=dict)
    waiting_for: str = ""
    pause_s: float = CLEAN_PAUSE_S

    @property
    def is_over(self) -> bool:
        return not self.deletions and not self.waiting_for


def plan_cleaning(
    findings: Sequence[str],
    result: Mapping[str, str],
    suspects: Sequence[tuple[Suspect, float]],
    observed: CloudObservation,
    elapsed_s: float,
    settle_s: float,
) -> CleaningPlan:
    """Decide one round. `suspects` are those of this look with their ages, `elapsed_s` is the order's own age."""
    if not observed.is_complete:
        reason = "a part of Nova does not answer, so its lists are incomplete"
        return CleaningPlan(result=result, waiting_for=reason, pause_s=LONGEST_CLEAN_PAUSE_S)
    by_id = {suspect.id: (suspect, age_s) for suspect, age_s in suspects}
    named_ids = {suspect.cloud_id for suspect, _ in suspects if suspect.id in findings}
    next_result, deletions, waits = dict(result), dict[str, Deletion](), list[tuple[str, float]]()
    for finding_id in findings:
        if is_settled(result.get(finding_id, "")):
            continue
        suspect, age_s = by_id.get(finding_id, (None, 0.0))
        if suspect is None:
            is_requested = result.get(finding_id) == REQUESTED
            next_result[finding_id] = DELETED if is_requested else CHANGED
        elif not suspect.is_cleanable or suspect.request is None:
            used = f"skipped: it is used by {', '.join(suspect.users)}"
            next_result[finding_id] = used if suspect.users else NOT_CLEANABLE
        elif age_s < settle_s:
            text = f"{suspect.resource} {suspect.cloud_id} was seen once: a second look decides"
            waits.append((text, settle_s - age_s))
        elif elapsed_s > settle_s + CLEAN_DEADLINE_S:
            next_result[finding_id] = STILL_THERE
        elif _is_being_deleted(suspect, observed):
            waits.append((f"{suspect.resource} {suspect.cloud_id} is being deleted", CLEAN_PAUSE_S))
        elif blockers := _find_blockers(suspect, observed):
            if blockers <= named_ids:
                text = f"{suspect.resource} {suspect.cloud_id} waits for the end of {', '.join(sorted(blockers))}"
                waits.append((text, CLEAN_PAUSE_S))
            else:
                others = ", ".join(sorted(blockers - named_ids))
                next_result[finding_id] = f"skipped: it is used by {others}, which the order does not name"
        else:
            text = f"delete {suspect.resource} {suspect.cloud_id}"
            deletions[finding_id] = Deletion(suspect.request, text)
            next_result[finding_id] = REQUESTED
    pause_s = CLEAN_PAUSE_S if deletions else min((pause for _, pause in waits), default=CLEAN_PAUSE_S)
    return CleaningPlan(
        result=next_result,
        deletions=deletions,
        waiting_for=waits[0][0] if waits else "",
        pause_s=min(max(pause_s, 1.0), LONGEST_CLEAN_PAUSE_S),
    )


def is_settled(outcome: str) -> bool:
    """Return whether nothing more is done about a finding."""
    return outcome not in {"", REQUESTED}


def note_refusal(message: str) -> str:
    """Return the outcome of a finding whose deletion the cloud has rejected."""
    return f"skipped: the cloud refused: {message}"


def _is_being_deleted(suspect: Suspect, observed: CloudObservation) -> bool:
    server = observed.servers.get(suspect.cloud_id)
    volume = observed.volumes.get(suspect.cloud_id)
    words = {"" if server is None else server.status, "" if server is None else server.task_state}
    words.add("" if volume is None else volume.status)
    return bool(words & DELETING_STATUSES)


def _find_blockers(suspect: Suspect, observed: CloudObservation) -> frozenset[str]:
    """Return what still uses it, and has to go first. The attachments of a volume end with their server."""
    servers = {each.id: each.server_id for each in observed.attachments}
    return frozenset(
        servers[each] if servers.get(each) in observed.servers else each for each in suspect.blockers
    )
