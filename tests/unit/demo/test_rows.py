"""The writer counts as acknowledged what was acknowledged, and no more."""

from __future__ import annotations

from guestagent.demo.fake import FakeStage, FakeTable
from guestagent.demo.rows import Watch, Writer
from guestagent.demo.stage import Counted, Told


def test_what_is_acknowledged_was_written() -> None:
    stage = FakeStage()

    with Writer(pace=0.0) as writer:
        writer.start(FakeTable(stage, "Master0000"))
        stage.clock.sleep(1)

    assert writer.acknowledged > 0
    assert stage.rows.numbers == frozenset(range(1, writer.acknowledged + 1))


def test_the_first_refusal_ends_the_writing() -> None:
    stage = FakeStage(refuses=3)
    writer = Writer(pace=0.0)

    writer.start(FakeTable(stage, "Master0000"))
    while stage.rows.numbers is None or stage.rows.writing:
        stage.clock.sleep(1)
    writer.stop()

    assert writer.acknowledged == 2
    assert "1290" in str(writer.refusal)


def test_a_writer_starts_once() -> None:
    first, second = FakeStage(), FakeStage()

    with Writer(pace=0.0) as writer:
        writer.start(FakeTable(first, "Master0000"))
        writer.start(FakeTable(second, "Master0000"))

    assert second.rows.numbers is None


def test_a_node_without_the_table_is_told_with_no_rows() -> None:
    stage = FakeStage(lingers=("Slave0000",))
    told: list[Told] = []

    with Watch(stage, told.append) as watch:
        watch.look()
        FakeTable(stage, "Master0000").create()
        watch.look()

    assert told == [Counted("Slave0000", "10.0.0.10", None), Counted("Slave0000", "10.0.0.10", 0)]
    assert watch.counts == {"Slave0000": 0}
