"""The report of the bench of seeds."""

from __future__ import annotations

from tests.bench.seed.report import MIB, describe_rows, format_report, plot_rows
from tests.bench.seed.seed_rows import SeedRow
from tests.bench.seed.seed_run import SeedRun


def run(transfer_s: float, wire_mib: int, stall_s: float) -> SeedRun:
    return SeedRun(
        total_s=transfer_s + 5,
        transfer_s=transfer_s,
        data_bytes=1000 * MIB,
        wire_bytes=wire_mib * MIB,
        stall_s=stall_s,
        source_cpu_s=3.0,
        replica_cpu_s=2.0,
        phases={"transferring": transfer_s, "preparing": 1.0},
    )


FLOORS = (run(8, 500, 0.1), run(10, 500, 0.3), run(12, 500, 0.2))
GOOD = SeedRow("mariadb118", "backup", (run(10, 510, 0.5), run(11, 510, 1.2), run(30, 510, 0.2)), FLOORS)
BAD = SeedRow("mysql97", "clone", (run(20, 500, 1.5),), FLOORS)


def test_rates_are_compared_by_medians_and_stalls_by_the_longest() -> None:
    rows = describe_rows([GOOD])["seeds"]

    assert isinstance(rows, list)
    ratios = {name: round(rows[0][name], 2) for name in ("rate_ratio", "wire_ratio", "added_stall_s")}
    assert ratios == {"rate_ratio": 0.91, "wire_ratio": 1.02, "added_stall_s": 0.9}


def test_the_tables_have_every_run_and_whether_its_goals_were_reached() -> None:
    report = format_report([GOOD, BAD])

    assert (
        "| mariadb118 | floor | 15.0 s | 10.0 s | 1000 MiB | 100 MiB/s | 500 MiB | 0.30 s | 3.0 s |" in report
    )
    assert "| mariadb118 | backup | 0.91, reached | 1.02 | +0.90 s, reached |" in report
    assert "| mysql97 | clone | 0.50, **missed** | 1.00 | +1.20 s, **missed** |" in report
    assert "| mysql97 | clone | transferring 20.0, preparing 1.0 |" in report


def test_the_plot_has_the_transfers_and_the_whole_seed() -> None:
    plot = plot_rows([GOOD, BAD], ", 1000 MiB of rows")

    assert plot.count("<rect") == 6
    assert "mariadb118: floor" in plot
    assert "1000 MiB of rows" in plot
