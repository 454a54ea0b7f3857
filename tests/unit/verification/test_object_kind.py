from __future__ import annotations

from guestagent.verification.object_kind import KindCoverage, build_coverage, format_coverage

COVERAGE = build_coverage(
    "MySQL", {"table": 2, "library": 1}, {"trigger": "no privilege"}, {"event": "from a file"}
)


def test_every_kind_is_compared_or_has_a_reason() -> None:
    by_kind = {each.kind: each for each in COVERAGE}

    assert by_kind["table"] == KindCoverage("table", True, 2)
    assert by_kind["view"] == KindCoverage("view", True, 0)
    assert by_kind["event"] == KindCoverage("event", True, 0, "from a file")
    assert by_kind["trigger"] == KindCoverage("trigger", False, None, "no privilege")
    assert [each.kind for each in COVERAGE if not each.is_compared and not each.note] == []


def test_kinds_with_the_same_note_share_a_line() -> None:
    outer = "accounts, roles, loadable functions, plugins, servers, tablespaces, variables"
    assert list(format_coverage(COVERAGE)) == [
        (True, "0 schemas, 2 tables, 0 views, 0 procedures, 0 functions, 1 library"),
        (True, "0 events: from a file"),
        (False, "triggers: no privilege"),
        (False, f"{outer}: they belong to no schema"),
    ]


def test_a_family_has_its_own_kinds() -> None:
    kinds = {each.kind for each in build_coverage("MariaDB", {}, {}, {})}

    assert kinds >= {"sequence", "package", "package body"}
    assert "library" not in kinds
