"""A donor service for each test, behind which no database server is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import CertificateAuthority
from tests.support.running_donor import RunningDonor, run_donor


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def donor(tmp_path: Path, authority: CertificateAuthority) -> Iterator[RunningDonor]:
    with run_donor(tmp_path, authority) as donor:
        yield donor
