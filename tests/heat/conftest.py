"""One real Keystone and one real Heat for all tests of a process, with real guests; gone with the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.heat.real_heat import open_real_heat
from tests.support.environment import open_public_folder
from tests.support.guest_cloud import GuestCloud


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with open_public_folder() as made:
        yield made


@pytest.fixture(scope="session")
def real_heat(folder: Path) -> Iterator[GuestCloud]:
    """The cloud, and a controller that uses it. Its stacks are its tests' own to name."""
    with open_real_heat(folder) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def check_dangerous_reads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing that we do may read a stack in progress in a way that makes Heat write.

    Where the test has a cloud: none is begun for this alone.
    """
    if "real_heat" not in request.fixturenames:
        yield
        return
    served = request.getfixturevalue("real_heat").server
    before = len(served.dangerous_reads)
    yield
    assert served.dangerous_reads[before:] == []
