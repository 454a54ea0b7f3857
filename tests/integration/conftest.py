"""The three flavours of real servers, as fixtures: a test that asks for `flavour` runs once on each.

All tests of one flavour go to one worker, so that its servers are started once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.servers import FLAVOURS, Flavour
from tests.integration.certificates import Authority
from tests.integration.servers import installed

EACH = [pytest.param(flavour, id=name, marks=pytest.mark.xdist_group(name)) for name, flavour in FLAVOURS.items()]


@pytest.fixture(scope="session", params=EACH)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    found: Flavour = request.param
    return found


@pytest.fixture(scope="session")
def empty(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flavour's data directory as an installation leaves it, to be copied by `running`."""
    return installed(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA of the tests' own, and what it and others certified."""
    return Authority(tmp_path_factory.mktemp("certificates"))
