"""A host with loop devices, and a blank image of a volume."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mount_namespace import enter_mount_namespace
from tests.support.volume_host import VolumeHost, make_image, open_host


@pytest.fixture(autouse=True)
def _require_loop_devices() -> None:
    if os.geteuid() != 0 or not shutil.which("losetup") or not Path("/dev/loop-control").exists():
        pytest.skip("loop devices need root")


@pytest.fixture(scope="package", autouse=True)
def _mount_apart() -> None:
    if os.geteuid() == 0:
        enter_mount_namespace()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VolumeHost]:
    with open_host(tmp_path / "host") as opened:
        yield opened


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path / "volume.img")
