"""Errors of a cloud as openstacksdk reports them: unreachable, refused, too slow."""

from __future__ import annotations

import copy
import time
from typing import Any

import openstack
import pytest

from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving
from guestagent.errors import CloudRefused, CloudUnreachable
from tests.support.slow_server import open_slow_server

# openstacksdk warns of itself at every connect and request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_a_cloud_that_is_not_there_is_unreachable(heat: OpenStackHeat, cloud: Serving) -> None:
    cloud.fault("keystone", "refuse", 5.0)

    with pytest.raises(CloudUnreachable, match="listing stacks"):
        heat.stacks("db")


def test_heats_words_come_with_a_refusal(heat: OpenStackHeat) -> None:
    with pytest.raises(CloudRefused, match="Circular Dependency Found"):
        heat.validate(
            {
                "AWSTemplateFormatVersion": "2010-09-09",
                "Resources": {
                    "A": {"Type": "OS::Heat::Value", "Properties": {"value": "a"}, "DependsOn": "B"},
                    "B": {"Type": "OS::Heat::Value", "Properties": {"value": "b"}, "DependsOn": "A"},
                },
            }
        )


def test_a_wrong_password_is_refused(cloud: Serving) -> None:
    connect: Any = copy.deepcopy(cloud.connect)
    connect["auth"]["password"] = "wrong"

    with openstack.connect(**connect) as connection, pytest.raises(CloudRefused, match="listing stacks"):
        OpenStackHeat(connection).stacks("db")


@pytest.mark.parametrize(
    "response", [(b"HTTP/1.1 200 OK\r\n", [b"X: 1\r\n"]), (b"", [b"HTTP/1.1 100 Continue\r\n\r\n"])]
)
def test_a_keystone_that_drips_holds_no_request(cloud: Serving, response: tuple[bytes, list[bytes]]) -> None:
    with open_slow_server(*response) as port:
        slow: Any = copy.deepcopy(cloud.connect)
        slow["auth"]["auth_url"] = f"http://127.0.0.1:{port}/v3"
        started = time.monotonic()
        with (
            openstack.connect(**slow) as connection,
            pytest.raises(CloudUnreachable, match="no complete answer in"),
        ):
            OpenStackHeat(connection, timeout=0.3).stacks("db")

    assert time.monotonic() - started < 10
