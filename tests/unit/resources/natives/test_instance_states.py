"""What a caller is shown of an instance: one row for each way into a state, and the drift that others cause."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from guestagent.controller.seed import NodeSeed
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.drift import list_foreign_rules, list_group_drift
from guestagent.resources.natives.instance_views import build_group_views, build_instance_views
from guestagent.resources.orders import DeleteCluster, VolumeFate
from guestagent.resources.rule import build_rule
from guestagent.resources.store.records import ResourcePhase
from guestagent.resources.views import InstanceState, InstanceView
from guestagent.resources.wanted import DATABASE_GROUP
from tests.support.orders import build_order
from tests.unit.resources.clusters import MEMBERS
from tests.unit.resources.natives.decision_cases import (
    NAME,
    Case,
    build_record,
    build_server,
)
from tests.unit.resources.natives.decision_parts import (
    BUILT,
    SUCCESS,
    USED,
    VOLUME,
    move,
    want,
)
from tests.unit.resources.natives.instance_state_cases import AT_REST, DRIFT, STATES


def build_view(**changes: Any) -> ClusterView:
    return Case(subject="", known="", **changes).build_view()


def show(view: ClusterView) -> InstanceView:
    (shown,) = build_instance_views(view)
    return shown


@pytest.mark.parametrize("name", STATES)
def test_an_instance_is_in_the_state(name: str) -> None:
    changes, state, detail = STATES[name]

    shown = show(build_view(**changes))

    assert (shown.state, detail in shown.detail) == (state, True), shown.detail


def test_every_state_has_a_row() -> None:
    assert {state for _, state, _ in STATES.values()} == {*InstanceState} - {InstanceState.PROVING}


def test_a_node_that_has_read_its_document_is_proving_itself() -> None:
    view = build_view(**BUILT, cloud_server=build_server())

    assert show(replace(view, contacts=frozenset({(NAME, 1)}))).state is InstanceState.PROVING


def test_a_view_has_the_ids_the_sizes_and_the_last_evidence() -> None:
    data = {"gtid": "0-101-7", "volume": {"file_system_bytes": 10 * 2**30 - 2**27}}
    shown = show(build_view(**{**AT_REST, "signal": replace(SUCCESS, data=json.dumps(data))}))

    assert shown == InstanceView(
        cluster="shop",
        name=NAME,
        role="source",
        state=InstanceState.READY,
        server_id="server-1",
        volume_id="volume-1",
        port_id="port-1",
        addresses=("10.0.0.1",),
        flavor="m1.small",
        wanted_flavor="m1.small",
        volume_gib=10,
        wanted_volume_gib=10,
        guest_volume_gib=9.88,
        generation=1,
        proved_generation=1,
        evidence=data,
    )


@pytest.mark.parametrize(
    ("text", "shown"), [("", {}), ("all is well", {"data": "all is well"}), ("7", {"data": 7})]
)
def test_evidence_that_is_no_object_is_shown_as_it_is(text: str, shown: object) -> None:
    view = build_view(**{**AT_REST, "signal": replace(SUCCESS, data=text)})

    assert show(view).evidence == shown


def test_an_instance_that_leaves_is_shown_until_its_last_record_is_gone() -> None:
    order = build_order(DeleteCluster, volumes=VolumeFate.KEEP)
    view = build_view(**{**AT_REST, "order": order})

    shown = show(replace(view, wanted=replace(view.wanted, instances=())))

    assert (shown.name, shown.role, shown.state) == (NAME, "source", InstanceState.DELETING)


@pytest.mark.parametrize("name", DRIFT)
def test_what_others_change_is_drift(name: str) -> None:
    changes, text = DRIFT[name]

    assert show(build_view(**{**AT_REST, **changes})).drift == (text,)


def test_what_we_change_ourselves_is_no_drift() -> None:
    resized = build_view(**{**move(), "cloud_server": build_server(flavor="m1.large")})

    assert show(resized).drift == ()


def test_a_group_shows_what_is_wanted_and_what_is_in_force() -> None:
    view = build_view(**AT_REST)
    group = view.observed.groups["group-1"]
    foreign = build_rule(None, port_min=22)
    rules = {rule_id: rule for rule_id, rule in group.rules.items() if rule == MEMBERS} | {"rule-9": foreign}
    changed = replace(group, rules=rules, foreign_rules=frozenset({"rule-8"}))
    view = replace(view, observed=replace(view.observed, groups={"group-1": changed}))

    (shown,) = build_group_views(view)

    assert (shown.name, shown.id, len(shown.wanted_rules)) == (DATABASE_GROUP, "group-1", 2)
    assert {*shown.rules} == {MEMBERS, foreign}
    assert list_foreign_rules(view, DATABASE_GROUP) == {
        "rule-8": "a rule that no order can express",
        "rule-9": foreign.key,
    }
    assert shown.drift == (
        "rule ingress/IPv4/tcp/3306-3306/192.0.2.0/24 of group database was deleted",
        "the mark of security group group-1 was removed",
        "rule rule-8 is not ours: a rule that no order can express",
        f"rule rule-9 is not ours: {foreign.key}",
    )


def test_a_group_that_is_gone_is_drift_and_one_that_is_not_made_is_none() -> None:
    view = build_view(**AT_REST)
    without = replace(view, observed=replace(view.observed, groups={}))
    unmade = replace(without, records={})

    assert [each.text for each in list_group_drift(without, DATABASE_GROUP)] == [
        "security group group-1 is gone"
    ]
    assert list_group_drift(unmade, DATABASE_GROUP) == ()


def test_the_present_volume_is_used_even_if_its_record_is_not_the_first() -> None:
    second = build_record(VOLUME, ResourcePhase.CREATED, epoch=2)

    assert show(build_view(**{**AT_REST, **USED, "volume": second})).volume_id == "volume-1"


def test_without_a_proof_nothing_is_said_about_generations() -> None:
    shown = show(build_view(**{**AT_REST, "signal": None, "wanted": want(generation=3)}))

    assert (shown.generation, shown.proved_generation, shown.guest_volume_gib) == (3, None, None)


def test_the_rule_of_a_donor_is_wanted_while_a_replica_joins() -> None:
    view = build_view(**AT_REST)
    view = replace(view, wanted=want(seed=NodeSeed(300, 1)))

    (shown,) = build_group_views(view)

    assert len(shown.wanted_rules) == 3
    assert [each for each in shown.drift if "not ours" in each] == []
