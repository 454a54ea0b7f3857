"""Replicas whose settings differ from their source's: what CLONE cannot copy is refused before anything is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.layout_data import install_apart
from tests.support.seed_sources import build_endpoint, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica

REFUSED_OPTIONS = (
    ("character-set-server=latin1", "character_set_server utf8mb4 there, latin1 here"),
    ("collation-server=utf8mb4_bin", "collation_server utf8mb4_0900_ai_ci there, utf8mb4_bin here"),
    ("performance-schema=OFF", "performance_schema is OFF here"),
)
FIXED_OPTIONS = (
    ("innodb-page-size=8k", "innodb_page_size 16384 there, 8192 here"),
    ("lower-case-table-names=1", "lower_case_table_names 0 there, 1 here"),
    ("innodb-data-file-path=ibdata1:12M;more:12M:autoextend", "innodb_data_file_path ibdata1:12M:autoextend there"),
)  # fmt: skip
"""Options that a data directory keeps from its beginning."""


def assert_refused(replica: SeededReplica, reason: str) -> None:
    """Seed the replica, and check that nothing was removed for it."""
    state = replica.seed()

    assert (state.phase, state.bytes_done, state.attempts) == (SeedPhase.FAILED, 0, 1), (state, replica.log)
    assert reason in state.failure
    assert "Method: dump" in state.advice
    assert replica.count_drops() == 0
    assert not [*replica.folder.glob("guestagent-seed*"), *replica.data.glob("guestagent-seed*")]
    assert replica.server.query_value("1") == "1"


@pytest.mark.patient
@pytest.mark.parametrize(("option", "reason"), REFUSED_OPTIONS)
def test_settings_with_which_clone_does_not_work_are_refused(
    tmp_path: Path, data_template: Path, flavour: Flavour, source: DatabaseServer, option: str, reason: str
) -> None:
    endpoint = build_endpoint(source)
    with open_replica(
        tmp_path / "replica", data_template, flavour, SeedMethod.CLONE, endpoint, options=(option,)
    ) as replica:
        assert_refused(replica, reason)


@pytest.mark.patient
@pytest.mark.parametrize(("option", "reason"), FIXED_OPTIONS)
def test_data_of_another_layout_are_refused(
    tmp_path: Path, flavour: Flavour, source: DatabaseServer, option: str, reason: str
) -> None:
    template, endpoint = install_apart(tmp_path / "template", flavour, option), build_endpoint(source)
    with open_replica(
        tmp_path / "replica", template, flavour, SeedMethod.CLONE, endpoint, options=(option,)
    ) as replica:
        assert_refused(replica, reason)


@pytest.mark.patient
def test_sizes_that_may_differ_are_accepted(
    tmp_path: Path, data_template: Path, flavour: Flavour, source: DatabaseServer
) -> None:
    options = ("innodb-redo-log-capacity=64M", "innodb-buffer-pool-size=64M", "sql-mode=ANSI")
    endpoint = build_endpoint(source)
    with open_replica(
        tmp_path / "replica", data_template, flavour, SeedMethod.CLONE, endpoint, options=options
    ) as replica:
        state = replica.seed()

        assert state.phase is SeedPhase.DONE, (state, replica.log)
        replica.follow_source(source)
        assert read_checksums(replica.server) == read_checksums(source)
