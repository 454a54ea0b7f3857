"""What the audits of all engines share: a look that leaves nothing out, and findings that need a second one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.views import AuditFinding, FindingKind


class FoundThing(Protocol):
    """What an audit has found, with its id and the cluster that it belongs to."""

    @property
    def id(self) -> str: ...
    @property
    def cluster(self) -> str: ...


def require_complete(observed: CloudObservation) -> CloudObservation:
    """Return the observation. Raise CloudUnreachable if a list is incomplete: nobody can say what is missing then."""
    if not observed.is_complete:
        raise CloudUnreachable(
            "a part of Nova does not answer, so its lists are incomplete: audit again later"
        )
    return observed


def group_ids(found: Iterable[FoundThing]) -> Mapping[str, list[str]]:
    """Return the ids of what was found, by cluster."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for each in found:
        ids[each.cluster].append(each.id)
    return ids


def leave_unsettled(finding: AuditFinding, age_s: float, settle_s: float) -> AuditFinding:
    """Return a finding as a caller is shown it before the second look, which comes `settle_s` after the first."""
    later = f"; if it is still so in {settle_s - age_s:.0f} s, it is a finding: {finding.kind}"
    return replace(finding, kind=FindingKind.UNSETTLED, text=finding.text + later, is_cleanable=False)
