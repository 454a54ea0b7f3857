"""`cluster repair`, and what a person is told about the seeds that a change begins."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from guestagent.cli import command_line
from guestagent.cli.progress import ProgressTable, format_seed_progress
from guestagent.cli.seed_notes import format_seed
from guestagent.controller import Cluster, Dialect, FakeHeat, NodeChanged, NodeState, Resource, Stacks
from guestagent.controller.events import ChangeReporter
from guestagent.controller.seed import SourceSize
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import build_cluster
from tests.support.fake_stacks import launch_stack, signal_evidence
from tests.support.seeding_clusters import GIB, build_joining_cluster
from tests.unit.golden.command_line import connect_to


def run(heat: FakeHeat, *words: str) -> int:
    with connect_to(heat):
        return command_line.main(["cluster", *words])


def launch_hot() -> FakeHeat:
    heat = FakeHeat()
    launch_stack(heat, build_cluster(1, dialect=Dialect.HOT))
    two_days_ago = datetime.now(timezone.utc) - timedelta(days=2, hours=1)
    sizes = {"data_bytes": GIB, "log_bytes": 5 * GIB, "disk_bytes": 4 * GIB}
    signal_evidence(heat, "Master0000ReadyWaitCond", measured_at=two_days_ago.isoformat(), **sizes)
    return heat


def read_cluster(heat: FakeHeat) -> Cluster:
    heat.live["db"].advance({})
    while heat.live["db"].stack.in_progress:
        heat.live["db"].advance({})
    return Stacks(heat, FakeClock()).cluster("db")


def test_without_reseed_the_node_proves_itself_again() -> None:
    heat = launch_hot()

    code = run(heat, "repair", "db", "Slave0000", "--no-wait")

    node = read_cluster(heat).node("Slave0000")
    assert (code, node.generation, node.seed) == (0, 2, None)


def test_a_reseed_tells_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    heat = launch_hot()

    code = run(heat, "repair", "db", "Slave0000", "--reseed", "--discard", "--yes", "--no-wait")

    seed = read_cluster(heat).node("Slave0000").seed
    assert code == 0
    assert seed is not None
    assert (seed.is_reseed, seed.discards_data) == (True, True)
    assert capsys.readouterr().err == (
        "Slave0000: 1.0 GiB of data (measured 2 d ago), about 1 min expected, 5 min are allowed because the disk could "
        "hold 4 GiB\n"
    )


def test_a_reseed_asks_first(capsys: pytest.CaptureFixture[str]) -> None:
    heat = launch_hot()

    code = run(heat, "repair", "db", "Slave0000", "--reseed")

    assert code == 2
    assert "no terminal for a confirmation" in capsys.readouterr().err
    assert "update" not in heat.asked


def test_discard_alone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(launch_hot(), "repair", "db", "Slave0000", "--discard")

    assert code == 2
    assert "--discard: expected --reseed beside it, found none" in capsys.readouterr().err


def test_add_replica_tells_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    run(launch_hot(), "add-replica", "db", "--data-size", "100", "--no-wait")

    assert capsys.readouterr().err == (
        "Slave0001: 100.0 GiB of data, about 22 min expected, 66 min are allowed; it signals with HEAT_SIGNAL, because "
        "a signed URL expires after 900 s\n"
    )


def test_an_unknown_size_is_said() -> None:
    cluster = build_joining_cluster()

    line = format_seed(cluster, cluster.node("Slave0001"))

    assert line == (
        "Slave0001: the size of the source's data is unknown; 5 min are allowed (--data-size names it)"
    )


@pytest.mark.parametrize("measured_at", ["", "2999-01-01T00:00:00+00:00"])
def test_an_age_that_cannot_be_known_is_said(measured_at: str) -> None:
    cluster = build_joining_cluster(size=SourceSize(GIB))
    measured = SourceSize(GIB, is_measured=True, measured_at=measured_at)

    assert "(measured at an unknown time)" in format_seed(cluster, cluster.node("Slave0001"), measured)


def test_a_few_logs_are_expected_to_be_replayed_at_once() -> None:
    cluster = build_joining_cluster(size=SourceSize(GIB, 1 << 20))

    assert "about 1 min expected" in format_seed(cluster, cluster.node("Slave0001"))


def test_progress_shows_elapsed_time_beside_the_expected() -> None:
    table = ProgressTable("db")
    table.handle_event(NodeChanged("Slave0001", NodeState.PROVING, 12.0, expected_s=1310.0))

    assert "seeding: about 22 min expected, 0 min elapsed" in list(table.build_table().columns[3].cells)
    assert format_seed_progress(1310.0, 600) == "seeding: about 22 min expected, 10 min elapsed"


def test_of_the_nodes_that_prove_themselves_the_one_that_seeds_has_an_expected_time() -> None:
    cluster = build_joining_cluster(size=SourceSize(GIB))
    events: list[object] = []
    reporter = ChangeReporter(cluster, events.append, 0.0)

    reporter.report_resources(
        [Resource(node.condition, "CREATE_IN_PROGRESS") for node in cluster.replicas], 1.0
    )

    proving = [event for event in events if isinstance(event, NodeChanged)]
    expected = {event.name: event.expected_s for event in proving if event.state is NodeState.PROVING}
    assert expected == {"Slave0000": None, "Slave0001": 30 + 1024 / 80}
