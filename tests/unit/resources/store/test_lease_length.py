"""A lease outlasts every request that its holder sends: to Nova, Cinder and Neutron, and to Heat."""

from __future__ import annotations

from inspect import signature

import pytest

from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.controller.request_limits import REQUEST_LIMIT_FACTOR
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.store.protocol import LEASE_RESERVE_S, LEASE_S


@pytest.mark.parametrize("door", [OpenStackProject, OpenStackHeat])
def test_a_lease_outlasts_a_request_with_its_login_and_its_whole_response(door: type) -> None:
    longest_request_s = REQUEST_LIMIT_FACTOR * signature(door).parameters["timeout"].default

    assert longest_request_s + LEASE_RESERVE_S < LEASE_S
