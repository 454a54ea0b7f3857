"""Since when audits have seen their findings."""

from __future__ import annotations

from tests.support.store_contract.opened_store import OpenedStore

SETTLE_S = 120.0


def note(
    opened: OpenedStore, *findings: str, cluster: str = "lost", is_whole: bool = True
) -> dict[str, float]:
    """Have a look that finds these in one cluster, and return their ages in whole seconds."""
    looked_at = opened.store.read_time()
    ages = opened.store.note_looks("natives", looked_at, {cluster: findings}, is_whole=is_whole)
    return {finding: float(round(age)) for finding, age in ages.items()}


def a_finding_is_as_old_as_its_first_look(opened: OpenedStore) -> None:
    first = note(opened, "natives-1")
    opened.sleep(SETTLE_S)

    assert first == {"natives-1": 0.0}
    assert note(opened, "natives-1", "natives-2") == {"natives-1": SETTLE_S, "natives-2": 0.0}


def what_a_look_does_not_show_is_forgotten(opened: OpenedStore) -> None:
    note(opened, "natives-1")
    note(opened)
    opened.sleep(SETTLE_S)

    assert note(opened, "natives-1") == {"natives-1": 0.0}


def a_look_at_one_cluster_leaves_the_others_alone(opened: OpenedStore) -> None:
    note(opened, "natives-1")
    note(opened, "natives-2", cluster="other", is_whole=False)
    opened.sleep(SETTLE_S)

    assert note(opened, "natives-1", is_whole=False) == {"natives-1": SETTLE_S}
    assert note(opened, "natives-2", cluster="other") == {"natives-2": SETTLE_S}
    assert note(opened, "natives-1") == {"natives-1": 0.0}


def a_look_of_another_engine_is_another(opened: OpenedStore) -> None:
    note(opened, "natives-1")
    opened.store.note_looks("orchestrator", opened.store.read_time(), {}, is_whole=True)
    opened.sleep(SETTLE_S)

    assert note(opened, "natives-1") == {"natives-1": SETTLE_S}


def a_look_that_began_before_the_first_one_was_noted_is_no_second(opened: OpenedStore) -> None:
    looked_at = opened.store.read_time()
    opened.sleep(SETTLE_S)
    note(opened, "natives-1")

    late = opened.store.note_looks("natives", looked_at, {"lost": ["natives-1"]}, is_whole=True)

    assert late == {"natives-1": 0.0}


LOOK_CASES = (
    a_finding_is_as_old_as_its_first_look,
    what_a_look_does_not_show_is_forgotten,
    a_look_at_one_cluster_leaves_the_others_alone,
    a_look_of_another_engine_is_another,
    a_look_that_began_before_the_first_one_was_noted_is_no_second,
)
