"""The three flavours of real servers, as fixtures: a test that asks for `flavour` runs once on each.

`make test` runs it on one server of each family; on all three if it is marked `every_server`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.errors import UnsupportedEnvironment
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import install_data_directory

EACH = [pytest.param(flavour, id=name) for name, flavour in FLAVOURS.items()]


@pytest.fixture(scope="session", params=EACH)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    parameter: Flavour = request.param
    return parameter


@pytest.fixture(scope="session")
def data_template(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flavour's data directory as an installation leaves it, to be copied by `open_server`."""
    return install_data_directory(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A CA of the tests' own, and what it and others certified."""
    return CertificateAuthority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def images(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directories that guests get copies of: one folder for all workers, and each directory made once."""
    try:
        check_requirements(tmp_path_factory.mktemp("trial"), ["mariadbd"])
    except UnsupportedEnvironment as lack:
        pytest.skip(str(lack))
    base_folder = tmp_path_factory.getbasetemp()
    return (base_folder if worker_id == "master" else base_folder.parent) / "images"
