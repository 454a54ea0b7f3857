"""A cloud that fails during its start leaves nothing behind: its hypervisor, and so its bridge, is closed."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.openstack.nova.hypervisor import FakeHypervisor
from guestagent.embedded.process import daemon
from guestagent.embedded.process.state_file import CloudOptions
from guestagent.errors import InvalidSettings


def test_a_cloud_whose_entry_cannot_be_written_closes_its_hypervisor(tmp_path: Path) -> None:
    state, clouds_file = tmp_path / "state", tmp_path / "clouds.yaml"
    state.mkdir()
    clouds_file.write_text("clouds: [a]\n")
    options = CloudOptions("none", state, clouds_file, IPv4Network("10.77.0.0/24"), guests=False)
    hypervisor = FakeHypervisor()

    with pytest.raises(InvalidSettings):
        daemon.run_cloud(hypervisor, options)

    assert [call for call, _ in hypervisor.calls] == ["open", "close"]
    assert not options.state_file.exists()
