"""What the audits of all engines share: a look that leaves nothing out, and findings that need a second one. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.views import AuditFinding, FindingKind

NAME_LIMIT = 64
"""Characters of a name that a store can keep. A stack with our mark may have a longer one: somebody has copied it."""


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
    """Return the ids of what was found, by cluster. A name that is too long for a store is replaced by its digest."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for each in found:
        is_long = len(each.cluster) > NAME_LIMIT
        name = hashlib.sha256(each.cluster.encode()).hexdigest() if is_long else each.cluster
        ids[name].append(each.id)
    return ids


def leave_unsettled(finding: AuditFinding, age_s: float, settle_s: float) -> AuditFinding:
    """Return a finding as a caller is shown it before the second look, which comes `settle_s` after the first."""
    later = f"; if it is still so in {settle_s - age_s:.0f} s, it is a finding: {finding.kind}"
    return replace(finding, kind=FindingKind.UNSETTLED, text=finding.text + later, is_cleanable=False)
