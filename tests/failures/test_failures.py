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

pytestmark = pytest.mark.timeout(300)


def marks(row: FailureRow) -> list[pytest.MarkDecorator]:
    """A row that is not quick is patient; one that expects different things of two MariaDBs runs on both."""
    differs = any(name in FLAVOURS for name in row.expectations)
    return [
        *([] if row.is_quick else [pytest.mark.patient]),
        *([pytest.mark.every_server] if differs else []),
    ]


CASES = [
    pytest.param(name, row, id=f"{name}-{row.title}", marks=marks(row))
    for name, flavour in FLAVOURS.items()
    for row in ROWS
    if row.select_expectation(name, flavour.family) is not None
]


@pytest.fixture(scope="module")
def server_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def campaign(server_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowRunner]:
    flavour = FLAVOURS[server_name]
    folder: Path = tmp_path_factory.mktemp(flavour.name)
    template = install_data_directory(folder / "template", flavour)
    with open_subnet() as subnet, closing(RowRunner(folder, template, flavour, subnet)) as made:
        yield made


@pytest.mark.parametrize(("server_name", "row"), CASES, indirect=["server_name"], scope="module")
def test_a_failure_has_its_own_reason_and_ending(campaign: RowRunner, row: FailureRow) -> None:
    outcome = campaign.run_row(row)

    assert outcome is not None
    assert not outcome.deviation, f"{outcome.deviation}: wanted {outcome.expectation}, told {outcome.answer}"


def test_the_table_has_forty_rows_on_each_family_and_each_its_own_words() -> None:
    families = {flavour.name: flavour.family for flavour in FLAVOURS.values()}
    counts = {
        name: sum(row.select_expectation(name, family) is not None for row in ROWS)
        for name, family in families.items()
    }

    assert len({row.title for row in ROWS}) == len(ROWS)
    assert all(count >= 40 for count in counts.values()), counts
