"""Documents that `parse` reads, and the problems that it reports for broken ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pytest

from guestagent.errors import InvalidMetadata
from guestagent.metadata import (
    CfnHandle,
    Document,
    HotHandle,
    Role,
    Section,
    Seeding,
    Source,
    Tls,
    User,
    dump,
    parse,
    require_resolved,
    salvage_document,
)
from guestagent.secret import Secret
from tests.support.raw_documents import PEM, URL, build_replica, build_source

SLAVE = User("slave0000", Secret("some_random_string"))
HANDLE = CfnHandle(Secret(URL))


def test_a_document_without_a_master_is_a_sources() -> None:
    document = parse({"ReadyWaitCondition": URL})

    assert document == Document(HANDLE)
    assert document.role is Role.SOURCE


def test_a_document_with_a_master_is_a_replicas() -> None:
    document = parse(build_replica())

    assert document == Document(HANDLE, source=Source("10.0.0.7", SLAVE, 3306))
    assert document.role is Role.REPLICA


def test_the_published_spelling_of_a_user_is_two_items() -> None:
    document = parse(build_source({"name": "slave0000"}, {"password": "some_random_string"}))

    assert document.users == (SLAVE,)


def test_both_spellings_of_a_user_may_be_mixed() -> None:
    other = {"name": "b", "password": "c"}

    document = parse(build_source(other, {"name": "slave0000"}, {"password": "some_random_string"}))

    assert document.users == (User("b", Secret("c")), SLAVE)


def test_the_whole_section_is_read() -> None:
    section = {
        "Version": 1,
        "Node": "Master0000",
        "Generation": 3,
        "ServerId": 4294967295,
        "Deadline": 43200,
        "Network": "10.0.0.0/24",
        "TLS": {"CA": PEM, "Verify": False},
        "Seeding": {"Method": "replay"},
        "Readiness": {"MaxLag": 0},
        "PollingInterval": 5,
        "Variables": {"sql_mode": "", "innodb-buffer-pool-size": 2**33, "local_infile": True},
    }

    document = parse(build_source(**section))

    assert document.section == Section(
        version=1,
        node="Master0000",
        generation=3,
        server_id=4294967295,
        deadline=43200,
        network=IPv4Network("10.0.0.0/24"),
        tls=Tls(PEM, verify=False),
        seeding=Seeding("replay"),
        max_lag=0,
        polling_interval=5,
        variables={"sql_mode": "", "innodb_buffer_pool_size": 2**33, "local_infile": True},
    )
    assert document.unique_id == "Master0000-3"


def test_numbers_may_come_as_digits() -> None:
    document = parse(build_replica(Port="3307") | {"GuestAgent": {"ServerId": "102", "Deadline": "90"}})

    assert document.source is not None
    assert (document.source.port, document.section.server_id, document.section.deadline) == (3307, 102, 90)


def test_unknown_keys_are_ignored() -> None:
    document = parse(build_source() | {"os-collect-config": {"cfn": {}}, "deployments": [], "users": 7})

    assert document == Document(HANDLE)


@pytest.mark.parametrize(
    "address", ["10.0.0.7", "fd00::7", "db", "db-1.example.com", "1password.example", "localhost"]
)
def test_an_address_is_an_ip_or_a_host_name(address: str) -> None:
    document = parse(build_replica(address))

    assert document.source is not None
    assert document.source.address == address


def test_a_hot_handle_arrives_as_a_json_text() -> None:
    text = json.dumps({"alarm_url": URL})

    assert parse({"ReadyWaitCondition": text}) == Document(HotHandle(Secret(text)))


def test_a_hot_handle_may_be_a_mapping() -> None:
    document = parse({"ReadyWaitCondition": {"alarm_url": URL}})

    assert isinstance(document.handle, HotHandle)
    assert json.loads(document.handle.document.reveal()) == {"alarm_url": URL}


@pytest.mark.parametrize("given", [dict, json.dumps], ids=["mapping", "text"])
def test_a_handles_token_and_endpoint_stand_side_by_side(given: Callable[[dict[str, str]], object]) -> None:
    attributes = {"token": "t", "endpoint": URL}

    document = parse({"ReadyWaitCondition": given(attributes)})

    assert isinstance(document.handle, HotHandle)
    assert json.loads(document.handle.document.reveal()) == attributes


def test_a_templates_token_and_endpoint_are_unresolved_together() -> None:
    handle = {"token": {"get_attr": ["H", "token"]}, "endpoint": {"get_attr": ["H", "endpoint"]}}

    document = parse({"ReadyWaitCondition": handle})

    assert str(document.handle) == "<H.token H.endpoint>"
    assert dump(document)["ReadyWaitCondition"] == handle


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ({"Ref": "Slave0000Password"}, "<Slave0000Password>"),
        ({"Fn::GetAtt": ["Master0000", "PrivateIp"]}, "<Master0000.PrivateIp>"),
        ({"Fn::GetAtt": "Master0000.PrivateIp"}, "<Master0000.PrivateIp>"),
        ({"get_attr": ["Port", "fixed_ips", 0, "ip_address"]}, "<Port.fixed_ips.0.ip_address>"),
        ({"get_attr": ["Port", {"get_param": "which"}]}, "<Port.*>"),
        ({"get_resource": "Master0000"}, "<Master0000>"),
        ({"get_param": "password"}, "<password>"),
        ({"get_param": ["credentials", "password"]}, "<credentials.password>"),
        ({"Fn::Join": ["", ["s3cret", {"Ref": "A"}, {"get_attr": ["B", "c"]}]]}, "<Fn::Join(A, B.c)>"),
        ({"str_replace": {"template": "$a", "params": {"$a": {"get_param": "a"}}}}, "<str_replace(a)>"),
        ({"Fn::FindInMap": ["a", "b", "c"]}, "<Fn::FindInMap()>"),
    ],
)
def test_functions_stand_where_values_will(function: dict[str, Any], text: str) -> None:
    wire = {
        "ReadyWaitCondition": function,
        "Master": {"Address": function, "User": {"name": function, "password": function}},
        "GuestAgent": {"Version": 1, "TLS": {"CA": function}, "Variables": {"sql_mode": function}},
    }

    document = parse(wire)

    assert list(map(str, document.functions.values())) == [text] * 6
    assert dump(document) == wire
    assert "s3cret" not in repr(document)


def test_what_is_not_resolved_cannot_be_applied() -> None:
    document = parse(build_replica({"Fn::GetAtt": ["Master0000", "PrivateIp"]}))

    with pytest.raises(InvalidMetadata) as caught:
        require_resolved(document, "heat.json")

    assert str(caught.value).startswith(
        "heat.json: Master.Address: expected a value, found the template function <Master0000.PrivateIp>"
    )


def test_what_is_resolved_can_be_applied() -> None:
    require_resolved(parse(build_replica()))


def test_a_broken_document_still_has_its_handle() -> None:
    document = build_source(Node="Slave0000", Generation=2, Deadline="x", Nonsense=1)

    salvaged_document = salvage_document(document)

    assert salvaged_document == Document(HANDLE, section=Section(node="Slave0000", generation=2))


@pytest.mark.parametrize("document", [None, {}, {"ReadyWaitCondition": 7}, [URL]])
def test_without_a_handle_nothing_is_salvaged(document: object) -> None:
    assert salvage_document(document) is None
