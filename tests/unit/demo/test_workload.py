"""The writer counts exactly the acknowledged rows."""

from __future__ import annotations

from guestagent.demo.fake import FakeDemoCloud, FakeTable
from guestagent.demo.protocols import DemoEvent, RowsCounted
from guestagent.demo.workload import RowCounter, RowWriter


def test_what_is_acknowledged_was_written() -> None:
    cloud = FakeDemoCloud()

    with RowWriter(interval_s=0.0) as writer:
        writer.start(FakeTable(cloud, "Master0000"))
        cloud.clock.sleep(1)

    assert writer.acknowledged_rows > 0
    assert cloud.rows.numbers == frozenset(range(1, writer.acknowledged_rows + 1))


def test_the_first_refusal_ends_the_writing() -> None:
    cloud = FakeDemoCloud(rejected_row=3)
    writer = RowWriter(interval_s=0.0)

    writer.start(FakeTable(cloud, "Master0000"))
    while cloud.rows.numbers is None or cloud.rows.is_writing:
        cloud.clock.sleep(1)
    writer.stop()

    assert writer.acknowledged_rows == 2
    assert "1290" in str(writer.error)


def test_a_writer_starts_once() -> None:
    first, second = FakeDemoCloud(), FakeDemoCloud()

    with RowWriter(interval_s=0.0) as writer:
        writer.start(FakeTable(first, "Master0000"))
        writer.start(FakeTable(second, "Master0000"))

    assert second.rows.numbers is None


def test_a_node_without_the_table_is_reported_with_no_rows() -> None:
    cloud = FakeDemoCloud(leftover_nodes=("Slave0000",))
    events: list[DemoEvent] = []

    with RowCounter(cloud, events.append) as counter:
        counter.count_rows()
        FakeTable(cloud, "Master0000").create()
        counter.count_rows()

    assert events == [RowsCounted("Slave0000", "10.0.0.10", None), RowsCounted("Slave0000", "10.0.0.10", 0)]
    assert counter.counts == {"Slave0000": 0}
