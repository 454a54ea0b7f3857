"""Guests whose servers are services: each test starts its own server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.family_statements import CONFIGURATION_CASES
from tests.support.guest_with_service import GuestWithService, open_guest


@pytest.fixture
def guest(flavour: Flavour, data_template: Path, tmp_path: Path) -> Iterator[GuestWithService]:
    yield from open_guest(flavour, data_template, tmp_path)


@pytest.fixture
def unlogged_guest(flavour: Flavour, data_template: Path, tmp_path: Path) -> Iterator[GuestWithService]:
    """A server without a binary log."""
    yield from open_guest(
        flavour, data_template, tmp_path, *CONFIGURATION_CASES[flavour.family].no_log_options
    )
