"""The signals that the agent sends: the evidence of a node."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from guestagent.agent import announcer, evidence
from guestagent.agent.edges import Report, Verdict
from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata import Document
from guestagent.signal import Outcome, body
from tests.unit.golden.documents import FULL_REPLICA, FULL_SOURCE, SMALLEST
from tests.unit.golden.goldens import add_golden, hide_prose, to_json
from tests.unit.golden.node_states import REPLICA, SOURCE, build_report
from tests.unit.golden.status_files import CONDITIONS

HELD = CONDITIONS[-1:]
REPORTS: dict[str, tuple[Document, Report]] = {
    "source-ready": (FULL_SOURCE, build_report(Verdict.READY, SOURCE, HELD)),
    "replica-ready": (FULL_REPLICA, build_report(Verdict.READY, REPLICA, HELD)),
    "replica-failed": (FULL_REPLICA, build_report(Verdict.FAILED, REPLICA)),
    "no-server": (SMALLEST, build_report(Verdict.FAILED, None, late=True)),
}


def spell_outcome(document: Document, outcome: Outcome, folder: Path) -> str:
    """Build the signal's body, without its reason, which is a sentence for people."""
    sent = json.loads(body(document.handle, document.unique_id, outcome))
    return to_json(hide_prose(sent, ("reason", "Reason")))


OUTCOMES = {
    **{
        f"evidence-{name}": (document, announcer.entry_of(document, report).outcome)
        for name, (document, report) in REPORTS.items()
    },
    "invalid-metadata": (
        FULL_SOURCE,
        evidence.refused(FULL_SOURCE, InvalidMetadata([Problem("Users", "a list", "nothing")])),
    ),
    "not-even-judged": (FULL_SOURCE, evidence.stumbled(FULL_SOURCE, "the disk is full")),
}

for _name, _outcome in OUTCOMES.items():
    add_golden(f"signal_body/{_name}.json", partial(spell_outcome, *_outcome))
