"""The signals that the agent sends: the evidence of a node."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

from guestagent.agent import evidence, signalling
from guestagent.agent.outcome import DataSize, Report, Verdict
from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata import Document
from guestagent.signal import SignalOutcome, build_body
from tests.unit.golden.documents import FULL_REPLICA, FULL_SOURCE, SMALLEST
from tests.unit.golden.golden_file import add_golden, hide_prose, to_json
from tests.unit.golden.node_states import REPLICA, SOURCE, build_report
from tests.unit.golden.status_files import CONDITIONS

SATISFIED_CONDITIONS = CONDITIONS[-1:]
REPORTS: dict[str, tuple[Document, Report]] = {
    "source-ready": (FULL_SOURCE, build_report(Verdict.READY, SOURCE, SATISFIED_CONDITIONS)),
    "source-measured": (
        FULL_SOURCE,
        replace(
            build_report(Verdict.READY, SOURCE, SATISFIED_CONDITIONS),
            data_size=DataSize(1 << 30, 5 << 20, 20 << 30, "2020-11-23T18:00:30+00:00"),
        ),
    ),
    "replica-ready": (FULL_REPLICA, build_report(Verdict.READY, REPLICA, SATISFIED_CONDITIONS)),
    "replica-failed": (FULL_REPLICA, build_report(Verdict.FAILED, REPLICA)),
    "no-server": (SMALLEST, build_report(Verdict.FAILED, None, late=True)),
}


def spell_outcome(document: Document, outcome: SignalOutcome, folder: Path) -> str:
    """Build the signal's body, without its reason, which is a sentence for people."""
    sent = json.loads(build_body(document.handle, document.unique_id, outcome))
    return to_json(hide_prose(sent, ("reason", "Reason")))


OUTCOMES = {
    **{
        f"evidence-{name}": (document, signalling.build_entry(document, report).outcome)
        for name, (document, report) in REPORTS.items()
    },
    "invalid-metadata": (
        FULL_SOURCE,
        evidence.build_refusal_outcome(FULL_SOURCE, InvalidMetadata([Problem("Users", "a list", "nothing")])),
    ),
    "not-even-judged": (FULL_SOURCE, evidence.build_error_outcome(FULL_SOURCE, "the disk is full")),
}

for _name, _outcome in OUTCOMES.items():
    add_golden(f"signal_body/{_name}.json", partial(spell_outcome, *_outcome))
