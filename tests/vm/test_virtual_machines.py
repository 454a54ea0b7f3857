"""A cluster of virtual machines that boot the image's disk. Only `make test-vm` runs it: a boot takes minutes."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import openstack
import pytest

from guestagent.controller import Dialect, Node
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.controller.stacks import Stacks
from guestagent.embedded import serving
from guestagent.embedded.image_trees import MARIADB_RECIPE
from guestagent.embedded.process.cloud_settings import CloudSettings
from tests.support.cluster_lifecycle import build_cluster
from tests.support.disk_images import BUILD_TIMEOUT_S, provide_disk
from tests.support.virtual_machines import VirtualMachineHypervisor

# Heat gives each node this time from its power-on to SUCCESS, and creates the replica when the source has succeeded.
SUCCESS_TIMEOUT_S = 300
AGENT_DEADLINE_S = 90
STACK_TIMEOUT_S = 2 * SUCCESS_TIMEOUT_S + 60

pytestmark = pytest.mark.timeout(BUILD_TIMEOUT_S + STACK_TIMEOUT_S)


@pytest.fixture(scope="module")
def disk() -> Path:
    """The disk with the agent of this checkout. `tools/disk_image.py`, which `make test-vm` runs first, builds it."""
    return provide_disk(MARIADB_RECIPE, print)


@pytest.fixture
def machines(tmp_path: Path, disk: Path, free_subnet: IPv4Network) -> VirtualMachineHypervisor:
    bridge = f"gac{str(free_subnet).split('.')[2]}"
    return VirtualMachineHypervisor(
        tmp_path / "state", bridge, str(free_subnet[1]), free_subnet.prefixlen, disk
    )


@pytest.mark.parametrize("dialect", Dialect)
def test_a_source_and_a_replica_succeed_in_virtual_machines(
    machines: VirtualMachineHypervisor, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    settings = CloudSettings(host=str(free_subnet[1]), network=free_subnet)
    node = Node(flavor="m1.small", image="guestagent-mariadb")
    times = {"deadline": AGENT_DEADLINE_S, "boot_allowance": SUCCESS_TIMEOUT_S - AGENT_DEADLINE_S}
    with serving(machines, settings) as server, openstack.connect(**server.connect) as connection:
        stacks = Stacks(OpenStackHeat(connection), every=0.5)

        stack = stacks.wait(stacks.create("prod", build_cluster(1, dialect, node, **times)), STACK_TIMEOUT_S)

        assert stack.status == "CREATE_COMPLETE", stack.reason
        roles = {each.name: each.evidence for each in stacks.status("prod").nodes}
        assert {name: evidence["role"] for name, evidence in roles.items() if isinstance(evidence, dict)} == {
            "Master0000": "source",
            "Slave0000": "replica",
        }
