"""What Nova refuses in a request for a server, and what it reads from one."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.openstack.cinder.volumes import BootVolume
from guestagent.embedded.openstack.nova.server_request import (
    RequestedNetwork,
    ServerRequest,
    parse_server_request,
)

IMAGE, PORT, VOLUME = (f"{number}" * 8 + "-1111-4111-8111-111111111111" for number in (1, 2, 3))
GROUP_ID = "6f1f0b5e-5d8c-4b8e-9a52-3c2d8e7f1a90"
VERSION = (2, 79)


def build_body(**values: Any) -> dict[str, Any]:
    return {"server": {"name": "db", "flavorRef": "1", "imageRef": IMAGE, "networks": "none", **values}}


def parse(version: tuple[int, int] = VERSION, **values: Any) -> ServerRequest:
    return parse_server_request(build_body(**values), version)


def test_a_whole_request_is_read() -> None:
    root = {"uuid": IMAGE, "source_type": "image", "destination_type": "local", "boot_index": 0}
    data = {"uuid": VOLUME, "source_type": "volume", "destination_type": "volume", "boot_index": -1}

    request = parse(
        networks=[{"port": PORT}],
        user_data=base64.b64encode(b"#!/bin/sh").decode(),
        metadata={"a": "b"},
        tags=["one"],
        block_device_mapping_v2=[root, data],
        config_drive=True,
        security_groups=[{"name": "db"}],
    )

    assert request.networks == (RequestedNetwork(port_id=PORT),)
    assert (request.user_data, request.metadata, request.tags) == (b"#!/bin/sh", {"a": "b"}, ("one",))
    assert (request.volumes, request.has_config_drive, request.groups) == (
        (BootVolume(VOLUME),),
        True,
        ("db",),
    )


@pytest.mark.parametrize(("networks", "expected"), [("none", ()), ("auto", None), ([], None)])
def test_none_is_no_network_and_auto_is_one_that_nova_chooses(networks: object, expected: object) -> None:
    assert parse(networks=networks).networks == expected


def test_a_group_of_servers_is_a_hint_beside_the_server() -> None:
    body = {**build_body(), "os:scheduler_hints": {"group": GROUP_ID}}

    assert parse_server_request(body, VERSION).server_group == GROUP_ID


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": ""}, "'' is too short"),
        ({"name": "x" * 256}, "is too long"),
        ({"name": "db "}, "Can not start or end with whitespace"),
        ({"colour": "red"}, "('colour' was unexpected)"),
        ({"imageRef": "no-such"}, "is not valid under any of the given schemas"),
        ({"imageRef": ""}, "Missing imageRef attribute"),
        ({"user_data": "#"}, "'#' is not a 'base64'"),
        ({"user_data": "YWFh" * 16384}, "is too long"),
        ({"tags": ["a/b"]}, "does not match '^[^,/]*$'"),
        ({"tags": [""]}, "'' is too short"),
        ({"tags": ["t"] * 51}, "is too long"),
        ({"networks": [{"port": PORT}, {"port": PORT}]}, "was specified twice"),
        ({"networks": [{"port": "no-such"}]}, "'no-such' is not a 'uuid'"),
        ({"block_device_mapping_v2": [{"uuid": VOLUME, "boot_index": -1}]}, "Boot sequence"),
    ],
)
def test_a_malformed_request_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(HTTPBadRequest) as refused:
        parse(**values)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("version", "values", "message"),
    [
        ((2, 51), {"tags": ["one"]}, "('tags' was unexpected)"),
        ((2, 36), {"networks": "none"}, "'none' is not of type 'array'"),
    ],
)
def test_an_older_microversion_has_fewer_keys(
    version: tuple[int, int], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(HTTPBadRequest) as refused:
        parse(version, **values)

    assert message in str(refused.value)


def test_networks_must_be_named_from_2_37_on() -> None:
    body = build_body()
    del body["server"]["networks"]

    assert parse_server_request(body, (2, 36)).networks is None
    with pytest.raises(HTTPBadRequest, match="'networks' is a required property"):
        parse_server_request(body, (2, 37))


@pytest.mark.parametrize("body", ["text", [], None])
def test_what_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(HTTPBadRequest, match="is not of type 'object'"):
        parse_server_request(body, VERSION)
