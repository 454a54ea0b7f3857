"""Replicas whose settings differ from their source's: files that would not work there are refused before they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.donor_process import DonorProcess
from tests.support.layout_data import install_apart
from tests.support.seed_sources import read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica

REFUSED_OPTIONS = (
    ("lower-case-table-names=1", "lower_case_table_names is 0 at the source and 1 here"),
    (
        "innodb-data-file-path=ibdata1:12M;more:12M:autoextend",
        "innodb_data_file_path is ibdata1:12M:autoextend",
    ),
)
ACCEPTED_OPTIONS = (
    ("character-set-server=latin1", "collation-server=latin1_danish_ci"),
    ("innodb-log-file-size=32M", "innodb-undo-tablespaces=3"),
)


@pytest.fixture
def other_replica(
    request: pytest.FixtureRequest, tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> Iterator[SeededReplica]:
    """An empty replica with options of its own."""
    options: tuple[str, ...] = request.param
    endpoint, folder = donor.build_endpoint(), tmp_path / "replica"
    with open_replica(
        folder, data_template, flavour, SeedMethod.BACKUP, endpoint, options=options
    ) as replica:
        yield replica


def assert_refused(replica: SeededReplica, reason: str) -> None:
    """Seed the replica, and check that nothing was written for it."""
    state = replica.seed()

    assert (state.phase, state.bytes_done, state.attempts) == (SeedPhase.FAILED, 0, 1), (state, replica.log)
    assert reason in state.failure
    assert "Method: dump" in state.advice
    assert not [*replica.folder.glob("guestagent-seed*"), *replica.data.glob("guestagent-seed*")]
    assert replica.server.query_value("1") == "1"


@pytest.mark.patient
@pytest.mark.parametrize(
    ("other_replica", "reason"), [((option,), reason) for option, reason in REFUSED_OPTIONS], indirect=["other_replica"]
)  # fmt: skip
def test_settings_with_which_the_files_do_not_work_are_refused(
    other_replica: SeededReplica, reason: str
) -> None:
    assert_refused(other_replica, reason)


@pytest.mark.patient
def test_an_older_release_of_the_same_series_is_refused(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> None:
    version = f"{flavour.series}.1-MariaDB"
    endpoint, folder = donor.build_endpoint(), tmp_path / "replica"
    options = (f"version={version}",)
    with open_replica(
        folder, data_template, flavour, SeedMethod.BACKUP, endpoint, options=options
    ) as replica:
        assert_refused(replica, f"this server is {version}")


@pytest.mark.patient
def test_pages_of_another_size_are_refused(tmp_path: Path, flavour: Flavour, donor: DonorProcess) -> None:
    options = ("innodb-page-size=8k",)
    template = install_apart(tmp_path / "template", flavour, *options)
    endpoint = donor.build_endpoint()
    with open_replica(
        tmp_path / "replica", template, flavour, SeedMethod.BACKUP, endpoint, options=options
    ) as replica:
        assert_refused(replica, "innodb_page_size is 16384 at the source and 8192 here")


@pytest.mark.patient
@pytest.mark.parametrize("other_replica", ACCEPTED_OPTIONS, indirect=True)
def test_settings_that_may_differ_are_accepted(source: DatabaseServer, other_replica: SeededReplica) -> None:
    state = other_replica.seed()

    assert state.phase is SeedPhase.DONE, (state, other_replica.log)
    other_replica.follow_source(source)
    assert read_checksums(other_replica.server) == read_checksums(source)


@pytest.mark.patient
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("innodb-undo-directory", "undo"),
        ("innodb-data-home-dir", "home"),
        ("innodb-log-group-home-dir", "redo"),
    ],
)
def test_data_outside_of_the_data_directory_are_refused(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess, name: str, folder: str
) -> None:
    place = tmp_path / folder
    place.mkdir()
    template = install_apart(tmp_path / "template", flavour, f"{name}={place}")
    endpoint = donor.build_endpoint()
    with open_replica(
        tmp_path / "replica", template, flavour, SeedMethod.BACKUP, endpoint, options=(f"{name}={place}",)
    ) as replica:
        assert_refused(replica, f"{name.replace('-', '_')} is {place}")
