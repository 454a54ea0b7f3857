"""The failure table: `make test` runs its quick rows, `make test-all` and `make test-faults` run them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.embedded.servers import FLAVOURS
from tests.failures.campaign import Campaign
from tests.failures.row import Row
from tests.failures.rows import ROWS
from tests.integration.servers import installed
from tests.support.subnets import subnet_of_its_own

pytestmark = pytest.mark.timeout(300)


def marks(row: Row) -> list[pytest.MarkDecorator]:
    """A row that is not quick is patient; one that expects different things of two MariaDBs runs on both."""
    differs = any(name in FLAVOURS for name in row.says)
    return [*([] if row.quick else [pytest.mark.patient]), *([pytest.mark.every_server] if differs else [])]


CASES = [
    pytest.param(name, row, id=f"{name}-{row.words}", marks=marks(row))
    for name, flavour in FLAVOURS.items()
    for row in ROWS
    if row.expected(name, flavour.family) is not None
]


@pytest.fixture(scope="module")
def server_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def campaign(server_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    flavour = FLAVOURS[server_name]
    folder: Path = tmp_path_factory.mktemp(flavour.name)
    template = installed(folder / "template", flavour)
    with subnet_of_its_own() as subnet, closing(Campaign(folder, template, flavour, subnet)) as made:
        yield made


@pytest.mark.parametrize(("server_name", "row"), CASES, indirect=["server_name"], scope="module")
def test_a_failure_has_its_own_reason_and_ending(campaign: Campaign, row: Row) -> None:
    outcome = campaign.played(row)

    assert outcome is not None
    assert not outcome.trouble, f"{outcome.trouble}: wanted {outcome.wanted}, told {outcome.told}"


def test_the_table_has_forty_rows_on_each_family_and_each_its_own_words() -> None:
    families = {flavour.name: flavour.family for flavour in FLAVOURS.values()}
    counts = {
        name: sum(row.expected(name, family) is not None for row in ROWS) for name, family in families.items()
    }

    assert len({row.words for row in ROWS}) == len(ROWS)
    assert all(count >= 40 for count in counts.values()), counts
