"""The quick rows of the failure table, on every flavour; `make test-faults` runs them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.embedded.servers import FLAVOURS
from tests.conftest import subnet_of_its_own
from tests.failures.campaign import Campaign
from tests.failures.row import Row
from tests.failures.rows import ROWS
from tests.integration.servers import installed

pytestmark = pytest.mark.timeout(300)

EACH = [pytest.param(name, marks=pytest.mark.xdist_group(f"failures-{name}")) for name in FLAVOURS]
QUICK = [row for row in ROWS if row.quick]


@pytest.fixture(scope="module", params=EACH)
def campaign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    flavour = FLAVOURS[request.param]
    folder: Path = tmp_path_factory.mktemp(flavour.name)
    template = installed(folder / "template", flavour)
    with subnet_of_its_own() as subnet, closing(Campaign(folder, template, flavour, subnet)) as made:
        yield made


@pytest.mark.parametrize("row", QUICK, ids=[row.words for row in QUICK])
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
