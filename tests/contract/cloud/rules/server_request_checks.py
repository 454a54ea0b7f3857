"""Nova: what is wrong in a request for a server is refused before anything is created."""

from __future__ import annotations

import base64

from tests.contract.cloud.client import COMPUTE
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope, build_data_device
from tests.contract.cloud.server_requests import (
    UNKNOWN_ID,
    build_request,
    describe_answer,
    request_member,
    request_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("refused requests for servers")
INPUT = "400 badRequest: Invalid input for field/attribute"
NO_HINTS = f"{INPUT} os:scheduler_hints. Value: None. None is not of type 'object'"


@area.rule_of_scope(
    {
        "flavor": "400 badRequest: Flavor no-such could not be found.",
        "image": "400 badRequest: Can not find requested image",
        "image by name": f"{INPUT} imageRef. Value: no-such. 'no-such' is not valid under any of the given schemas",
        "no image": "400 badRequest: Missing imageRef attribute",
        "key": "400 badRequest: Invalid key_name provided.",
        "zone": "400 badRequest: The requested availability zone is not available",
        "volume": "400 badRequest: Volume <id> could not be found.",
    }
)
def what_a_creation_names_and_is_not_there_is_400(scope: CloudScope) -> Observation:
    root = {"uuid": scope.find_image(), "source_type": "image", "destination_type": "local", "boot_index": 0}
    devices = [{**root, "delete_on_termination": True}, build_data_device(UNKNOWN_ID)]
    return {
        "flavor": request_server(scope, flavorRef="no-such"),
        "image": request_server(scope, imageRef=UNKNOWN_ID),
        "image by name": request_server(scope, imageRef="no-such"),
        "no image": request_server(scope, imageRef=""),
        "key": request_server(scope, key_name="no-such"),
        "zone": request_server(scope, availability_zone="no-such"),
        "volume": request_server(scope, block_device_mapping_v2=devices),
    }


@area.rule_of_scope(
    {
        "network": "400 badRequest: Network <id> could not be found.",
        "port": "400 badRequest: Port id <id> could not be found.",
        "security group": "400 badRequest: Unable to find security_group with name or id 'no-such'",
        "server group": "400 badRequest: Instance group <id> could not be found.",
    }
)
def a_network_a_port_and_a_group_that_are_not_there_are_400_too(scope: CloudScope) -> Observation:
    network = [{"uuid": scope.find_network()}]
    return {
        "network": request_server(scope, networks=[{"uuid": UNKNOWN_ID}]),
        "port": request_server(scope, networks=[{"port": UNKNOWN_ID}]),
        "security group": request_server(scope, networks=network, security_groups=[{"name": "no-such"}]),
        "server group": describe_answer(request_member(scope, UNKNOWN_ID)),
    }


NAME_REFUSALS = {
    "empty": f"{INPUT} name. Value: . '' is too short",
    "256 characters": f"{INPUT} name. Value: x.... 'x...' is too long",
    "a space before": "400 badRequest: An invalid 'name' value was provided. The name must be: printable "
    "characters. Can not start or end with whitespace.",
    "none": f"{INPUT} server. Value: <body>. 'name' is a required property",
}


@area.rule_of_scope(
    NAME_REFUSALS, {**NAME_REFUSALS, "empty": f"{INPUT} name. Value: . '' should be non-empty"}
)
def a_name_has_1_to_255_characters_and_no_spaces_around(scope: CloudScope) -> Observation:
    nameless = build_request(scope)
    del nameless["name"]
    return {
        "empty": request_server(scope, name=""),
        "256 characters": request_server(scope, name="x" * 256),
        "a space before": request_server(scope, name=" one"),
        "none": describe_answer(scope.request_creation("server", nameless)),
    }


@area.rule_of_scope(
    {
        "another key": f"{INPUT} server. Value: <body>. "
        "Additional properties are not allowed ('colour' was unexpected)",
        "no server": "400 badRequest: 'server' is a required property",
        "no networks": f"{INPUT} server. Value: <body>. 'networks' is a required property",
        "no object": "400 badRequest: 'text' is not of type 'object'",
    }
)
def a_creation_has_the_keys_that_nova_knows(scope: CloudScope) -> Observation:
    request = build_request(scope)
    del request["networks"]
    return {
        "another key": request_server(scope, colour="red"),
        "no server": describe_answer(scope.send("compute", "POST", "/servers", {})),
        "no networks": describe_answer(scope.request_creation("server", request)),
        "no object": describe_answer(scope.send("compute", "POST", "/servers", "text")),
    }


@area.rule_of_scope(
    {
        "65532 characters": "202",
        "65536 characters": f"{INPUT} user_data. Value: <text>. '<text>' is too long",
        "no base64": f"{INPUT} user_data. Value: #!/bin/sh. '#!/bin/sh' is not a 'base64'",
    }
)
def user_data_have_at_most_65535_characters_of_base64(scope: CloudScope) -> Observation:
    def ask(length: int) -> str:
        text = base64.b64encode(b"x" * length).decode()
        return request_server(scope, user_data=text).replace(text, "<text>")

    return {
        "65532 characters": ask(49149),
        "65536 characters": ask(49152),
        "no base64": request_server(scope, user_data="#!/bin/sh"),
    }


@area.rule_of_scope(
    "400 badRequest: Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping "
    "combination is not valid."
)
def a_list_of_volumes_without_the_root_disk_is_400(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    return request_server(scope, block_device_mapping_v2=[build_data_device(volume)])


@area.rule_of_scope(
    {
        "user_data": f"{INPUT} user_data. Value: None. None is not of type 'string'",
        "config_drive": f"{INPUT} config_drive. Value: None. None is not of type 'boolean', 'string'",
        "key_name": f"{INPUT} key_name. Value: None. None is not of type 'string'",
        "availability_zone": f"{INPUT} availability_zone. Value: None. None is not of type 'string'",
        "block_device_mapping_v2": f"{INPUT} block_device_mapping_v2. Value: None. None is not of type 'array'",
        "security_groups": f"{INPUT} security_groups. Value: None. None is not of type 'array'",
        "networks": f"{INPUT} networks. Value: None. None is not valid under any of the given schemas",
        "metadata": f"{INPUT} metadata. Value: None. None is not of type 'object'",
        "tags": f"{INPUT} tags. Value: None. None is not of type 'array'",
        "description": "202",
    }
)
def what_a_creation_does_not_have_is_left_out_and_not_null(scope: CloudScope) -> Observation:
    keys = ("user_data", "config_drive", "key_name", "availability_zone", "block_device_mapping_v2")
    more = ("security_groups", "networks", "metadata", "tags", "description")
    return {key: request_server(scope, **{key: None}) for key in (*keys, *more)}


@area.rule_of_scope(
    {
        "a hint of no group": f"{INPUT} group. Value: None. None is not of type 'string'",
        "a group by its name": f"{INPUT} group. Value: no-such. 'no-such' is not a 'uuid'",
        "no hints": NO_HINTS,
    },
    {
        "a hint of no group": f"{INPUT} group. Value: None. None is not valid under any of the given schemas",
        "a group by its name": f"{INPUT} group. Value: no-such. 'no-such' is not valid under any of the given schemas",
        "no hints": NO_HINTS,
    },
)
def a_hint_names_a_server_group_by_its_id(scope: CloudScope) -> Observation:
    def ask(hints: object) -> str:
        body = {"server": build_request(scope), "os:scheduler_hints": hints}
        return describe_answer(scope.send(COMPUTE, "POST", "/servers", body))

    return {
        "a hint of no group": ask({"group": None}),
        "a group by its name": ask({"group": "no-such"}),
        "no hints": ask(None),
    }
