"""One real Keystone and one real Heat for all tests of a process, with real guests; gone with the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.heat.clouds import cloud_in
from tests.integration.clouds import Cloud
from tests.support.environment import public_folder


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with public_folder() as made:
        yield made


@pytest.fixture(scope="session")
def real_heat(folder: Path) -> Iterator[Cloud]:
    """The cloud, and a controller that uses it. Its stacks are its tests' own to name."""
    with cloud_in(folder) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def no_dangerous_read(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing that we do may read a stack in progress in a way that makes Heat write.

    Where the test has a cloud: none is begun for this alone.
    """
    if "real_heat" not in request.fixturenames:
        yield
        return
    served = request.getfixturevalue("real_heat").served
    before = len(served.dangerous_reads)
    yield
    assert served.dangerous_reads[before:] == []
