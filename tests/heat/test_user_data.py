"""The user data that a real Heat sends to Nova, beside those of the embedded one, part by part."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any

import openstack
import pytest
import yaml
from openstack.connection import Connection

from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving, serving
from guestagent.embedded.heat.resources.cloud_init_parts import HEAT_LENGTHS
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID
from tests.heat.real_heat import RELEASE
from tests.support.guest_cloud import GuestCloud

pytestmark = pytest.mark.timeout(900)

STACK_TIMEOUT_S = 100.0
SCRIPT = "#!/bin/sh\necho ü\n"
METADATA = {"GuestAgent": {"Text": "ü $ %"}}
INSTANCE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Node": {
            "Type": "AWS::EC2::Instance",
            "Metadata": METADATA,
            "Properties": {
                "ImageId": "guestagent-mariadb",
                "InstanceType": "m1.tiny",
                "SubnetId": SUBNET_ID,
                "UserData": SCRIPT,
                "Tags": [{"Key": "role", "Value": "db"}],
            },
        }
    },
}


def build_server(user_data_format: str, user_data: str = SCRIPT) -> dict[str, Any]:
    """Build a template with a server that has this user data, and metadata of several types for Nova."""
    properties = {
        "image": "guestagent-mariadb",
        "flavor": "m1.tiny",
        "networks": [{"network": NETWORK_ID}],
        "user_data_format": user_data_format,
        "user_data": user_data,
        "metadata": {"role": "db", "count": 3, "new": True, "map": {"a": [1]}},
    }
    node = {"type": "OS::Nova::Server", "metadata": METADATA, "properties": properties}
    return {"heat_template_version": "2013-05-23", "resources": {"Node": node}}


MULTIPART = """\
Content-Type: multipart/mixed; boundary="==b=="
MIME-Version: 1.0

--==b==
Content-Type: text/x-shellscript
Content-Disposition: attachment; filename="one.sh"

#!/bin/sh
--==b==
Content-Type: text/cloud-config
Content-Disposition: attachment; filename="two"

#cloud-config
--==b==--
"""
TEMPLATES = {
    "instance": INSTANCE,
    "cfntools": build_server("HEAT_CFNTOOLS"),
    "config": build_server("SOFTWARE_CONFIG"),
    "multipart": build_server("SOFTWARE_CONFIG", MULTIPART),
    "raw": build_server("RAW"),
}
# Heat's own code and texts, and what differs with each server.
OWN_PARTS = frozenset(HEAT_LENGTHS)


@pytest.fixture(scope="module")
def embedded() -> Iterator[tuple[Serving, Connection]]:
    with serving() as server, openstack.connect(**server.connect) as connection:
        yield server, connection


@contextmanager
def run_server(server: Serving, connection: Connection, name: str, template: dict[str, Any]) -> Iterator[Any]:
    """Yield the one server of a stack as Nova has it, and delete the stack."""
    heat, compute = OpenStackHeat(connection), server.cloud.compute
    known_servers = set(compute.servers)
    heat.create(name, template, 5)
    deadline = time.monotonic() + STACK_TIMEOUT_S
    try:
        while not (new_servers := set(compute.servers) - known_servers):
            assert time.monotonic() < deadline, f"{name} made no server"
            time.sleep(0.1)
        yield compute.servers[new_servers.pop()]
    finally:
        while (stack := heat.stacks(name)[0]).in_progress:
            assert time.monotonic() < deadline, f"{name} is still {stack.status}"
            time.sleep(0.3)
        heat.delete(stack)


def list_parts(user_data: bytes) -> list[tuple[str, str, str]]:
    """List type, file name and text of each part, in order; the one text of user data without parts."""
    message = message_from_bytes(user_data)
    if not message.is_multipart():
        return [("", "", user_data.decode())]
    parts = [part for part in message.walk() if not part.is_multipart()]
    return [(part.get_content_type(), str(part.get_filename()), read_text(part)) for part in parts]


def read_text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def mask_addresses(parts: list[tuple[str, str, str]], server: Serving) -> list[tuple[str, str, str]]:
    """Return the parts without Heat's own texts, and without what differs between two clouds."""
    url = server.cfn_url
    host = url.split("//")[1].rsplit(":", 1)[0]
    masked = []
    for kind, name, text in parts:
        text = "" if name in OWN_PARTS else text.replace(url, "URL").replace(host, "HOST")
        masked.append((kind, name, text if "os-collect-config" not in text else "polling"))
    return masked


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_embedded_heat_sends_the_parts_of_a_real_one(
    name: str, real_heat: GuestCloud, embedded: tuple[Serving, Connection]
) -> None:
    stack_name = f"userdata-{name}"
    with run_server(real_heat.server, real_heat.operator, stack_name, TEMPLATES[name]) as server:
        real_parts = mask_addresses(list_parts(server.user_data), real_heat.server)
        real_metadata: Mapping[str, str] = dict(server.metadata)

    with run_server(*embedded, stack_name, TEMPLATES[name]) as server:
        embedded_parts = mask_addresses(list_parts(server.user_data), embedded[0])
        embedded_metadata: Mapping[str, str] = dict(server.metadata)

    assert embedded_parts == real_parts
    assert embedded_metadata == real_metadata


def test_heats_own_parts_have_the_same_effect_on_cloud_init(
    real_heat: GuestCloud, embedded: tuple[Serving, Connection]
) -> None:
    with run_server(real_heat.server, real_heat.operator, "userdata-own", INSTANCE) as server:
        real_texts = {name: text for _, name, text in list_parts(server.user_data)}

    with run_server(*embedded, "userdata-own", INSTANCE) as server:
        embedded_texts = {name: text for _, name, text in list_parts(server.user_data)}

    assert yaml.safe_load(embedded_texts["cloud-config"]) == yaml.safe_load(real_texts["cloud-config"])
    for command in (
        "useradd -m ec2-user",
        "cfn-create-aws-symlinks",
        "exit 0",
        "NOPASSWD: ALL' >> /etc/sudoers",
    ):
        assert command in embedded_texts["boothook.sh"]
        assert command in real_texts["boothook.sh"]


@pytest.mark.skipif(RELEASE is not None, reason="the lengths are those of Debian's Heat 19")
def test_the_lengths_of_heats_parts_are_known(real_heat: GuestCloud) -> None:
    with run_server(
        real_heat.server, real_heat.operator, "userdata-lengths", TEMPLATES["cfntools"]
    ) as server:
        real_lengths = {name: len(text) for _, name, text in list_parts(server.user_data)}

    assert {name: real_lengths[name] for name in HEAT_LENGTHS} == HEAT_LENGTHS
