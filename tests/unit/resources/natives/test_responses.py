"""Answers of Nova, Cinder and Neutron as they were measured on real services."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from guestagent.resources.natives.responses import (
    classify_refusal,
    dump_rule_request,
    read_action,
    read_group,
    read_message,
    read_rule,
    read_server,
)
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.rule import build_rule

RULE_ID = "0a6e6a51-8a0c-4a0b-9b0a-0f7b1c2d3e4f"
GROUP_ID = "3c7a1f0e-2b5d-4a6c-8e9f-1a2b3c4d5e6f"
DEFAULT_RULE = {"id": "out", "direction": "egress", "ethertype": "IPv4", "protocol": None}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"badRequest": {"code": 400, "message": "Flavor nope could not be found."}}, "not_found"),
        (400, {"badRequest": {"code": 400, "message": "Can not find requested image"}}, "not_found"),
        (400, {"badRequest": {"code": 400, "message": "Invalid key_name provided."}}, "not_found"),
        (
            400,
            {"badRequest": {"code": 400, "message": "The requested availability zone is not available"}},
            "not_found",
        ),
        (400, {"badRequest": {"code": 400, "message": "Availability zone 'moon' is invalid."}}, "not_found"),
        (400, {"badRequest": {"code": 400, "message": "Port id 7 could not be found."}}, "refused"),
        (403, {"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1"}}, "quota"),
        (403, {"forbidden": {"code": 403, "message": "Maximum number of ports exceeded"}}, "quota"),
        (403, {"forbidden": {"code": 403, "message": "Policy doesn't allow os-evacuate"}}, "forbidden"),
        (401, {"error": {"code": 401, "title": "Unauthorized", "message": "requires"}}, "forbidden"),
        (
            404,
            {"itemNotFound": {"code": 404, "message": "Volume type nope could not be found."}},
            "not_found",
        ),
        (409, {"conflictingRequest": {"code": 409, "message": "Instance is locked"}}, "refused"),
        (409, {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded", "detail": ""}}, "quota"),
        (409, {"NeutronError": {"type": "SecurityGroupInUse", "message": "in use", "detail": ""}}, "refused"),
        (
            409,
            {"NeutronError": {"type": "IpAddressGenerationFailure", "message": "No more", "detail": ""}},
            "no_capacity",
        ),
        (413, {"overLimit": {"code": 413, "message": "VolumeLimitExceeded: Maximum"}}, "quota"),
        (418, None, "refused"),
        (409, [], "refused"),
        (400, {"badRequest": "text"}, "refused"),
    ],
)
def test_a_refusal_has_the_code_of_its_kind(status: int, body: Any, code: str) -> None:
    assert str(classify_refusal(status, body).code) == code


def test_a_rule_that_is_there_is_no_failure() -> None:
    message = f"Security group rule already exists. Rule id is {RULE_ID}."

    refusal = classify_refusal(
        409, {"NeutronError": {"type": "SecurityGroupRuleExists", "message": message, "detail": ""}}
    )

    assert refusal.existing_id == RULE_ID


@pytest.mark.parametrize(
    "rule",
    [
        build_rule(ip_network("192.0.2.0/24"), port_min=3306),
        build_rule(None, port_min=3306),
        build_rule(None, port_min=3306, ethertype="IPv6"),
        build_rule(ip_network("2001:db8::/32"), "udp", 1, 9, "egress"),
    ],
    ids=lambda rule: rule.key,
)
def test_a_rule_is_read_as_it_was_asked_for(rule: Any) -> None:
    assert read_rule(dump_rule_request(rule, GROUP_ID), GROUP_ID) == rule


@pytest.mark.parametrize("protocol", ["tcp", "6", 6])
def test_a_rule_for_every_address_has_no_prefix(protocol: object) -> None:
    entry = {"direction": "ingress", "ethertype": "IPv4", "protocol": protocol, "remote_ip_prefix": None}

    assert read_rule(entry, GROUP_ID) == build_rule(ip_network("0.0.0.0/0"))


@pytest.mark.parametrize(
    "entry",
    [
        {"direction": "ingress", "ethertype": "IPv4", "protocol": "vrrp"},
        {"direction": "ingress", "ethertype": "IPv4", "protocol": None},
        {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "remote_group_id": "another"},
    ],
)
def test_a_rule_that_we_cannot_express_is_a_foreign_one(entry: dict[str, Any]) -> None:
    rows = [DEFAULT_RULE, {"id": "foreign", **entry}]

    group = read_group({"id": GROUP_ID, "name": "ga-shop", "security_group_rules": rows})

    assert group.foreign_rules == {"foreign"}
    assert not group.rules


def test_a_server_of_a_cell_that_is_down_is_unknown() -> None:
    assert read_server({"id": "an-id", "status": "UNKNOWN", "created": "then"}).status == "UNKNOWN"
    assert read_server({"id": "an-id"}).status == "UNKNOWN"


@pytest.mark.parametrize(
    ("entry", "events", "result"),
    [
        ({"message": "Error"}, None, "Error"),
        ({"message": None}, [{"result": "Success"}], "Success"),
        ({"message": None}, [{"result": "Success"}, {"result": "Error"}], "Error"),
        ({"message": None}, [{"result": None}], ""),
        ({"message": None}, [{"result": "Success"}, {"result": None}], ""),
        ({"message": None}, [], ""),
        ({"message": None}, None, ""),
    ],
)
def test_the_result_of_an_action_is_in_its_message_or_its_events(
    entry: dict[str, Any], events: Any, result: str
) -> None:
    assert read_action({"action": "reboot", "request_id": "req-1", **entry}, events).result == result


PREPARED = {"compute_prep_resize": "Success", "conductor_migrate_server": "Success"}
SENT = {"compute_resize_instance": "Success", **PREPARED}


@pytest.mark.parametrize("action", ["resize", "migrate"])
@pytest.mark.parametrize(
    ("events", "result"),
    [
        (PREPARED, ""),
        ({"compute_resize_instance": None, **PREPARED}, ""),
        (SENT, ""),
        ({"compute_finish_resize": None, **SENT}, ""),
        ({"compute_finish_resize": "Success", **SENT}, "Success"),
        ({"compute_finish_resize": "Error", **SENT}, "Error"),
    ],
)
def test_a_resize_has_its_result_when_its_last_event_has_ended(
    action: str, events: dict[str, str | None], result: str
) -> None:
    rows = [{"event": name, "result": each} for name, each in events.items()]

    assert read_action({"action": action, "message": None}, rows).result == result


def test_a_revert_goes_on_when_the_new_host_has_let_go() -> None:
    rows = [{"event": "compute_revert_resize", "result": "Success"}]

    assert read_action({"action": "revertResize"}, rows).result == ""


def test_a_message_has_the_name_of_its_request() -> None:
    entry = {"id": "m-1", "user_message": "extend volume:Driver failed.", "request_id": "req-1"}

    assert read_message(entry) == CloudMessage("extend volume:Driver failed.", "req-1")


@pytest.mark.parametrize(
    "values",
    [
        {"protocol": "icmp", "port_range_min": 8, "port_range_max": 0, "ethertype": "IPv4"},
        {"protocol": "icmp", "port_range_min": 8, "port_range_max": None, "ethertype": "IPv4"},
        {"protocol": "icmp", "ethertype": "IPv6", "remote_ip_prefix": "2001:db8::/32"},
        {"protocol": "tcp", "port_range_min": 0, "port_range_max": 10, "ethertype": "IPv4"},
        {"protocol": "tcp", "ethertype": "IPv4", "remote_address_group_id": GROUP_ID},
        {"direction": "egress", "ethertype": "IPv4", "remote_address_group_id": GROUP_ID},
    ],
)
def test_a_rule_that_somebody_has_made_and_no_order_can_is_foreign(values: dict[str, Any]) -> None:
    rule = {"id": RULE_ID, "direction": "ingress", **values}

    group = read_group({"id": GROUP_ID, "security_group_rules": [rule]})

    assert not group.rules
    assert group.foreign_rules == {RULE_ID}
