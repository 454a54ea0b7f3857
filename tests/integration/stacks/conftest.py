"""An embedded cloud whose guests signal by themselves, and the ways of an operator to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openstack
import pytest

from guestagent.controller import Stacks, connect_hardware
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving, serving
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from tests.support.cluster_commands import ClusterCommands, write_clouds_yaml
from tests.support.signalling_guests import SignallingHypervisor


@pytest.fixture
def guests() -> SignallingHypervisor:
    return SignallingHypervisor()


@pytest.fixture
def cloud(guests: SignallingHypervisor) -> Iterator[Serving]:
    with serving(guests) as server:
        yield server


@pytest.fixture
def heat(cloud: Serving) -> Iterator[OpenStackHeat]:
    with openstack.connect(**cloud.connect) as connection:
        yield OpenStackHeat(connection)


@pytest.fixture
def stacks(heat: OpenStackHeat) -> Stacks:
    return Stacks(heat, every=0.2, hardware=connect_hardware(heat))


@pytest.fixture
def commands(tmp_path: Path, cloud: Serving) -> ClusterCommands:
    write_clouds_yaml(tmp_path, cloud)
    description = (
        "source: &a {flavor: m1.large, image: guestagent-mariadb}\nreplicas: [{<<: *a, flavor: m1.small}]\n"
        f"dialect: cfn\nsubnet: {SUBNET_ID}\n"
    )
    (tmp_path / "prod.yaml").write_text(description)
    return ClusterCommands(tmp_path)
