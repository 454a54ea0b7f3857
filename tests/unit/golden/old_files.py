"""How to read the files in data/written_by, and the value that each must have in every later version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.support.cluster_strategies import with_inline_rules
from tests.unit.golden.clusters import list_old_cases, template_file
from tests.unit.golden.embedded_files import FAKE_CLOUD, cloud_file
from tests.unit.golden.guest_files import FULL_CHANGE, FULL_JOURNAL, change_file, journal_file
from tests.unit.golden.input_files import INPUT_FILES
from tests.unit.golden.registry import STORED
from tests.unit.golden.signal_files import SIGNAL_RECORDS, UNNAMED_TRANSPORT, signal_file
from tests.unit.golden.stored_file import StoredFile

Read = Callable[[Path, Path], object]
"""The arguments are the file and an empty folder to work in."""

CD39754_CHANGE = replace(FULL_CHANGE, boot="", starts=0, failure="", originals={})
CD39754_JOURNAL = replace(FULL_JOURNAL, superseded_tasks=(), has_outcome=False)

OLDER: dict[str, StoredFile] = {
    "0.1.0-81a8b4e/journal/full.json": journal_file(
        replace(CD39754_JOURNAL, retained_passwords=frozenset(), password_fingerprints=frozenset())
    ),
    "0.1.0-b5960f0/journal/full.json": journal_file(
        replace(CD39754_JOURNAL, password_fingerprints=frozenset())
    ),
    "0.1.0-cd39754/journal/full.json": journal_file(CD39754_JOURNAL),
    "0.1.0-cd39754/configuration/full.json": change_file(CD39754_CHANGE),
    "0.1.0-4b77593/signal/accepted-then-given-up-cfn.json": signal_file(UNNAMED_TRANSPORT),
    "0.1.0-7d57819/cloud/fake.json": cloud_file(FAKE_CLOUD),
    **{
        f"0.1.0-cd39754/{name}": signal_file(replace(value, resource=""))
        for name, value in SIGNAL_RECORDS.items()
    },
    **{
        f"0.1.0-cd39754/templates/{name}.hot.yaml": template_file(with_inline_rules(cluster))
        for name, cluster in list_old_cases().items()
    },
}
"""Files that later versions write with more keys, or with rules that are resources of their own.

All others have the value of the file of that name today.
"""


def find_reader(name: str) -> tuple[Read, object]:
    """Return how to read an old file, and its value. Raises KeyError if the file is not known."""
    if name in INPUT_FILES:
        return INPUT_FILES[name]
    stored = OLDER.get(name) or STORED[name.partition("/")[2]]
    return stored.read_copy, stored.value
