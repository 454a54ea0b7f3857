"""The page of NATIVES' requests and decisions: `python -m tests.unit.resources.natives.decision_table FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from guestagent.resources.natives.http_calls import SERVICE_NAMES, build_call
from guestagent.resources.natives.request_words import describe_request
from tests.unit.resources.natives.action_cases import ACTIONS
from tests.unit.resources.natives.provisioning_cases import PROVISIONING
from tests.unit.resources.natives.removal_cases import REMOVAL
from tests.unit.resources.natives.request_samples import SAMPLES

CASES = [*PROVISIONING, *ACTIONS, *REMOVAL]
INTRODUCTION = """\
# What the resource manager sends and decides

This is what a worker does for a cluster that is made [without Heat](../explanation/resources.md). `make docs` writes
this page from the code and its tests; change those, not this page.

## Requests

Everything that it can change in a cloud. The words are those of an operation's `step` and of a cluster's events.

"""
DECISIONS = """
## Decisions

What one round decides for an instance, by what is recorded in the store and observed in the cloud. Unless a row says
otherwise, its cluster is being created and nothing is wrong. *wait* sends nothing; *note*, *change* and *forget* write
into the store; *attention* needs a person; *fail* and *end* end the operation; the rest are requests. "asked for" means
that a request was sent and its answer is not known, "settled" that the settle time is over.

"""


class SampleNames:
    """The ids of what the sample requests name."""

    def find_flavor(self, name: str) -> str:
        return name

    def find_image(self, name: str) -> str:
        return name

    def find_network(self, name: str, subnet: str | None) -> tuple[str, str | None]:
        return name, subnet


def build_page() -> str:
    """Return the page, in Markdown."""
    return INTRODUCTION + "\n".join(_list_requests()) + "\n" + DECISIONS + build_table()


def build_table() -> str:
    """Return the table of decisions, in Markdown."""
    rows = (
        f"| {case.subject} | {case.known} | {'<br>'.join(case.decide()) or 'nothing'} |" for case in CASES
    )
    return "\n".join(["| subject | recorded and observed | decided |", "|---|---|---|", *rows, ""])


def _list_requests() -> Iterator[str]:
    yield from ("| what it does | service | request |", "|---|---|---|")
    for request, key in SAMPLES:
        call = build_call(request, SampleNames())
        action = next(iter(call.body)) if call.path.endswith("/action") else ""
        text = f"`{call.method} {call.path}`" + (action and f" with `{action}`")
        yield f"| {describe_request(request, key)} | {SERVICE_NAMES[call.service]} | {text} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(build_page(), encoding="utf-8")
