"""One real Keystone and one real Heat for all tests of a process, with real guests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.heat.real_heat import open_real_heat
from tests.support.environment import open_public_folder
from tests.support.guest_cloud import GuestCloud


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with open_public_folder() as path:
        yield path


@pytest.fixture(scope="session")
def real_heat(folder: Path) -> Iterator[GuestCloud]:
    """The cloud, and a controller that uses it. Each test chooses its own stack names."""
    with open_real_heat(folder) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def check_dangerous_reads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check that no request of guestagent reads a stack in progress in a way that makes Heat write.

    Only for tests that use the cloud: this check does not start one.
    """
    if "real_heat" not in request.fixturenames:
        yield
        return
    server = request.getfixturevalue("real_heat").server
    count_before = len(server.dangerous_reads)
    yield
    assert server.dangerous_reads[count_before:] == []
