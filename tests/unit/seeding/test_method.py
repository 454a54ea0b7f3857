"""The choice of a seed's method, with its reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.seeding.method import COSTS, SeedFacts, SeedMethod, choose_method

GIB = 1 << 30
PURGED = SeedFacts("mariadb", "10.11.18-MariaDB", "10.11.6-MariaDB-log", has_donor=True, has_all_logs=False)
COMPLETE = replace(PURGED, has_all_logs=True, log_bytes=GIB // 100, data_bytes=GIB)


@pytest.mark.parametrize(
    ("facts", "method", "reason"),
    [
        (replace(PURGED, has_donor=False), SeedMethod.REPLAY, "names no donor"),
        (PURGED, SeedMethod.BACKUP, "purged"),
        (
            replace(PURGED, family="mysql", version="9.7.4", source_version="9.7.0"),
            SeedMethod.CLONE,
            "purged",
        ),
        (COMPLETE, SeedMethod.REPLAY, "not slower"),
        (replace(COMPLETE, log_bytes=GIB), SeedMethod.BACKUP, "slower"),
        (replace(COMPLETE, log_bytes=None), SeedMethod.BACKUP, "not known"),
        (replace(COMPLETE, data_bytes=None), SeedMethod.BACKUP, "not known"),
        (replace(COMPLETE, has_all_logs=None), SeedMethod.BACKUP, "slower"),
        (replace(COMPLETE, is_reseed=True), SeedMethod.BACKUP, "replaced"),
        (replace(PURGED, source_version="11.8.9-MariaDB"), None, "dump"),
    ],
)
def test_the_method_follows_from_the_facts(facts: SeedFacts, method: SeedMethod | None, reason: str) -> None:
    choice = choose_method(facts, "auto")

    assert choice.method is method
    assert reason in "; ".join(choice.reasons)


@pytest.mark.parametrize("wanted", ["replay", "backup", "dump"])
def test_the_document_overrides_the_choice(wanted: str) -> None:
    assert choose_method(COMPLETE, wanted).method is SeedMethod(wanted)


def test_a_method_of_the_other_family_is_impossible() -> None:
    choice = choose_method(COMPLETE, "clone")

    assert choice.method is None
    assert "mariadb does not have" in choice.reasons[0]


def test_a_copy_needs_a_donor() -> None:
    assert choose_method(replace(PURGED, has_donor=False), "dump").method is None


def test_every_method_states_its_cost() -> None:
    assert COSTS.keys() == set(SeedMethod)
