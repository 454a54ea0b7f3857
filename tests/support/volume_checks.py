"""What the tests of the data volume check again and again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from guestagent.volume import VolumeResult, read_volume_state
from tests.support import volume_images
from tests.support.volume_host import DATA_FILES, VolumeHost, read_data


def expect_refusal(host: VolumeHost, image: Path, *, name: str = "vdb") -> str:
    """Run the unit, which must refuse the volume and leave it as it is. Return the reason."""
    before = volume_images.compute_digest(image)

    with pytest.raises(VolumeError) as raised:
        host.set_up()

    host.detach(name)
    state = read_volume_state(host.paths.run)
    assert state is not None
    assert (state.result, state.reason) == (VolumeResult.FAILED, str(raised.value))
    assert host.list_mounts() == []
    assert volume_images.compute_digest(image) == before
    assert read_data(host.paths.data) == DATA_FILES
    return str(raised.value)


def run_killed(host: VolumeHost, number: int) -> int:
    """Run the unit in a process that is killed before the effect of this number. Return the count if it ends."""
    argv = [sys.executable, "-m", "tests.support.volume_killed_at_event", str(host.folder), str(number)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert result.returncode in (0, -9), result.stderr
    return int(result.stdout or 0)
