"""The report of the bench of images."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.image.boot_times import AGENT, CLOUD_INIT_END, COLLECTOR, SUCCESS, BootTimes
from tests.bench.image.guest_pair import GuestRow
from tests.bench.image.report import (
    MIB,
    collect_budgets,
    collect_rest,
    describe_report,
    format_report,
    plot_boots,
)
from tests.bench.image.rest_costs import RestCosts
from tests.bench.image.tree_size import TreeSize

SIZE = TreeSize(
    image="bookworm-mariadb",
    whole=1000 * MIB,
    plain=1200 * MIB,
    environment=95 * MIB,
    own_code=2 * MIB,
    settings=MIB // 10,
    new_packages={"net-tools": MIB},
    gone_packages={"linux-image-amd64": 400 * MIB},
)
BOOTS = (
    BootTimes({CLOUD_INIT_END: 3.0, SUCCESS: 4.0}, {"cloud-final.service": 1.5}),
    BootTimes({CLOUD_INIT_END: 3.2, SUCCESS: 4.0}, {"cloud-final.service": 1.7}),
    BootTimes({CLOUD_INIT_END: 3.1, SUCCESS: 4.0}, {"cloud-final.service": 1.6}),
)
MEMORY = {AGENT: 30 * MIB, COLLECTOR: 36 * MIB, "mysql.service": 80 * MIB, "init.scope": 4 * MIB}
SOURCE = GuestRow(
    "bookworm-mariadb",
    "source",
    BOOTS,
    RestCosts(MEMORY, {AGENT: 20.0, COLLECTOR: 25.0}, 60.0),
    {AGENT: 1.8, COLLECTOR: 2.1},
)
ROWS = [SOURCE, replace(SOURCE, role="replica")]


def test_what_has_no_name_of_its_own_is_everything_else() -> None:
    rest = collect_rest(SOURCE)

    assert rest == {
        "agent": (30 * MIB, 20.0),
        "collector": (36 * MIB, 25.0),
        "database server": (80 * MIB, 0.0),
        "everything else": (4 * MIB, 15.0),
        "the whole guest": (150 * MIB, 60.0),
    }


def test_budgets_that_are_missed_are_told_apart_from_those_that_are_kept() -> None:
    missed = {budget.what for budget in collect_budgets([SIZE], [SOURCE]) if not budget.is_kept}

    assert missed == {"`/opt/guestagent`", "memory of the collector", "exposure of the collector"}


def test_the_report_has_medians_in_the_order_of_time() -> None:
    report = format_report([SIZE], ROWS)

    assert (
        "| bookworm-mariadb | 1200 MiB | 1000 MiB | 95.0 MiB | 2.0 MiB | 0.1 MiB | + 1.0 MiB, - 400 MiB |"
        in report
    )
    assert "| cloud-init has ended | 3.10 s | 3.10 s |\n| SUCCESS accepted | 4.00 s | 4.00 s |" in report
    assert "| from cloud-init's end to SUCCESS | 0.90 s | 0.90 s |" in report
    assert "| bookworm-mariadb | source | cloud-final 1.60 s |" in report


def test_the_data_have_the_same_budgets() -> None:
    data = describe_report([SIZE], ROWS)

    assert len(data["budgets"]) == len(collect_budgets([SIZE], ROWS))  # type: ignore[arg-type]


def test_the_plot_has_two_bars_for_each_node() -> None:
    assert plot_boots(ROWS).count("<rect") == 4
