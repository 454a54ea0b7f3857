"""The failure table: `make test` runs its quick rows, `make test-all` and `make test-faults` run them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS
from tests.failures.row import FailureRow
from tests.failures.row_runner import RowRunner
from tests.failures.rows import ROWS
from tests.support.database_servers import install_data_directory
from tests.support.subnets import open_subnet

pytestmark = pytest.mark.timeout(900)


def list_marks(row: FailureRow) -> list[pytest.MarkDecorator]:
    """Mark a row that is not quick as patient, and one that differs between two MariaDBs for every server."""
    differs = any(name in FLAVOURS for name in row.expectations)
    return [
        *([] if row.is_quick else [pytest.mark.patient]),
        *([pytest.mark.every_server] if differs else []),
    ]


CASES = [
    pytest.param(name, row, id=f"{name}-{row.title}", marks=list_marks(row))
    for name, flavour in FLAVOURS.items()
    for row in ROWS
    if row.select_expectation(name, flavour.family) is not None
]


@pytest.fixture(scope="module")
def server_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def row_runner(server_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowRunner]:
    flavour = FLAVOURS[server_name]
    folder: Path = tmp_path_factory.mktemp(flavour.name)
    template = install_data_directory(folder / "template", flavour)
    with open_subnet() as subnet, closing(RowRunner(folder, template, flavour, subnet)) as runner:
        yield runner


@pytest.mark.parametrize(("server_name", "row"), CASES, indirect=["server_name"], scope="module")
def test_a_failure_is_reported_with_its_reason_and_ending(row_runner: RowRunner, row: FailureRow) -> None:
    outcome = row_runner.run_row(row)

    assert outcome is not None
    assert not outcome.deviation, f"{outcome.deviation}: expected {outcome.expectation}, got {outcome.answer}"


def test_the_table_has_forty_rows_for_each_flavour_with_unique_titles() -> None:
    families = {flavour.name: flavour.family for flavour in FLAVOURS.values()}
    counts = {
        name: sum(row.select_expectation(name, family) is not None for row in ROWS)
        for name, family in families.items()
    }

    assert len({row.title for row in ROWS}) == len(ROWS)
    assert all(count >= 40 for count in counts.values()), counts
