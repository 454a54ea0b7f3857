"""Orders: their documents, problems and schema."""

from __future__ import annotations

import json
from ipaddress import ip_network

import jsonschema
import pytest

from guestagent.errors import InvalidOrder
from guestagent.resources.order_shapes import ORDER_TYPES, build_order_schema, dump_order, read_order
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    Clean,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteInstance,
    DeleteRules,
    DeleteSecurityGroup,
    MigrateInstance,
    Order,
    RegisterCluster,
    RenewInstance,
    ReplaceInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RevokeFollower,
    RotatePasswords,
    UnregisterCluster,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule

SHOP = {"request_id": "order-1", "cluster": "shop"}
RULE = build_rule(ip_network("192.0.2.0/24"), port_min=3306)
ORDERS = (
    CreateCluster(**SHOP, description={"source": {"flavor": "m1", "image": "db"}}),
    DeleteCluster(**SHOP, volumes=VolumeFate.KEEP),
    AddInstance(**SHOP, flavor="m1", image="db", volume_gib=20, zone="nova"),
    DeleteInstance(**SHOP, instance="Slave0000", volume=VolumeFate.DELETE),
    ReplaceInstance(**SHOP, instance="Slave0000"),
    ResizeInstance(**SHOP, instance="Slave0000", flavor="m2", on_failure=ResizeFailure.KEEP),
    MigrateInstance(**SHOP, instance="Slave0000"),
    RestartInstance(**SHOP, instance="Slave0000", hard=True),
    ResizeVolume(**SHOP, instance="Slave0000", size_gib=40),
    CreateSecurityGroup(**SHOP, group="office", rules=(RULE,)),
    DeleteSecurityGroup(**SHOP, group="office"),
    CreateRules(**SHOP, group="database", rules=(RULE,)),
    DeleteRules(**SHOP, group="database", rules=(RULE,)),
    UpdateRuleCidr(**SHOP, group="database", rule=RULE, network=ip_network("198.51.100.0/24")),
    RenewInstance(**SHOP, instance="Master0000"),
    RotatePasswords(**SHOP),
    Clean(**SHOP, findings=("natives-0123456789abcdef",)),
    AdmitFollower(**SHOP, follower="reports", follower_network=ip_network("10.1.0.0/24")),
    RevokeFollower(**SHOP, follower="reports"),
    RegisterCluster(**SHOP),
    UnregisterCluster(**SHOP),
)


def find_problems(kind: str, document: object) -> list[str]:
    with pytest.raises(InvalidOrder) as caught:
        read_order(kind, document)
    return [str(problem) for problem in caught.value.problems]


def test_there_is_an_example_of_every_kind() -> None:
    assert {order.kind for order in ORDERS} == ORDER_TYPES.keys()


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind)
def test_a_written_order_is_read_as_the_same(order: Order) -> None:
    document = json.loads(json.dumps(dump_order(order)))

    assert read_order(order.kind, document) == order


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind)
def test_a_written_order_satisfies_the_schema(order: Order) -> None:
    schema = build_order_schema()
    reference = {"$defs": schema["$defs"], "$ref": f"#/$defs/{order.kind}"}

    jsonschema.validate(dump_order(order), reference)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**dump_order(order), "other": 1}, reference)


def test_all_problems_are_found_at_once() -> None:
    document = {"request_id": "a b", "cluster": "Shop", "instance": "x/y", "size_gib": 0, "flavour": "m1"}

    assert [problem.split(":")[0] for problem in find_problems("resize_volume", document)] == [
        "flavour",
        "request_id",
        "cluster",
        "instance",
        "size_gib",
    ]


def test_a_fate_of_volumes_has_no_default() -> None:
    assert find_problems("delete_cluster", dict(SHOP)) == ["volumes: expected keep or delete, found nothing"]


def test_an_unknown_kind_is_answered_with_the_most_similar() -> None:
    (problem,) = find_problems("resize_volumes", {})

    assert problem.endswith("found another word (did you mean resize_volume?)")


def test_a_document_of_a_newer_schema_is_refused() -> None:
    assert find_problems("renew_instance", {**SHOP, "schema": 2, "instance": "Slave0000"}) == [
        "schema: expected 1, found 2"
    ]


@pytest.mark.parametrize("document", [None, [], "text", 7, {"request_id": None}, {1: 2}])
def test_garbage_is_invalid(document: object) -> None:
    assert find_problems("create_cluster", document)
