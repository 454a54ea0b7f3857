"""A cloud that fails while it starts leaves nothing behind: its hypervisor, and so its bridge, is closed."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded import daemon
from guestagent.embedded.hypervisor import FakeHypervisor
from guestagent.embedded.record import Options
from guestagent.errors import InvalidSettings


def test_a_cloud_whose_entry_cannot_be_written_closes_its_hypervisor(tmp_path: Path) -> None:
    state, clouds_file = tmp_path / "state", tmp_path / "clouds.yaml"
    state.mkdir()
    clouds_file.write_text("clouds: [a]\n")
    options = Options("none", state, clouds_file, IPv4Network("10.77.0.0/24"), guests=False)
    hypervisor = FakeHypervisor()

    with pytest.raises(InvalidSettings):
        daemon.run_on(hypervisor, options)

    assert [call for call, _ in hypervisor.said] == ["open", "close"]
    assert not options.record.exists()
