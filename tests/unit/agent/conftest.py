"""The disk of a server, and a copy of it that has booted as another instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.copied_disk import GuestDisk, build_origin


@pytest.fixture
def origin(tmp_path: Path) -> GuestDisk:
    return build_origin(tmp_path / "origin")


@pytest.fixture
def clone(origin: GuestDisk, tmp_path: Path) -> GuestDisk:
    """A copy of the origin's disk that has booted as another instance, with a document in its user data."""
    clone = origin.copy(tmp_path / "clone")
    clone.boot("clone", init_data="its own document")
    return clone
