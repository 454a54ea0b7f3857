"""Truncated or corrupted files of the agent: it recreates what it can, and otherwise changes nothing."""

from __future__ import annotations

import json
from collections.abc import Generator

from guestagent.agent.journal_file import JOURNAL_FILES
from guestagent.unreadable_file import list_quarantined_files
from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.server_pair import ApplyAnswer, Node, Pair
from tests.support.journals import corrupt_journal, lose_journal

area = FailureArea("damaged files of the agent")
ScenarioAnswers = Generator[ApplyAnswer, None, None]
LOST_JOURNAL = expect_final("journal", "neither copy can be read")


@area.row(READY)
def a_truncated_copy_of_the_journal(pair: Pair) -> ScenarioAnswers:
    journal = pair.prepare().replica.folder / "state" / JOURNAL_FILES[0]
    journal.write_bytes(journal.read_bytes()[:100])
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def a_flipped_bit_in_a_copy_of_the_journal(pair: Pair) -> ScenarioAnswers:
    journal = pair.prepare().source.folder / "state" / JOURNAL_FILES[1]
    content = bytearray(journal.read_bytes())
    content[content.index(b'"given"') + 40] ^= 1
    journal.write_bytes(content)
    yield pair.source.apply(pair.build_source_document(Deadline=20))


@area.row(READY)
def an_agent_killed_between_writing_the_two_copies_of_its_journal(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    second_copy = pair.source.folder / "state" / JOURNAL_FILES[1]
    old_content = second_copy.read_bytes()
    pair.source.apply(pair.build_source_document(Deadline=20, Generation=2))
    second_copy.write_bytes(old_content)
    yield pair.source.apply(pair.build_source_document(Deadline=20, Generation=2))


@area.row(LOST_JOURNAL, quick=True)
def a_replica_whose_journal_cannot_be_read(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.server.execute(pair.build_channel_statement("STOP"))
    corrupt_journal(pair.replica.folder / "state")
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    status = pair.replica.server.execute(f"{pair.build_channel_statement('SHOW')} STATUS")[0]
    assert status[pair.choose_statement(mariadb="Slave_IO_Running", mysql="Replica_IO_Running")] == "No"
    remove_quarantined_files(pair.replica)


@area.row(LOST_JOURNAL)
def a_source_whose_journal_cannot_be_read(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    corrupt_journal(pair.source.folder / "state", b"")
    pair.source.server.execute("SET GLOBAL read_only = 1")
    yield pair.source.apply(pair.build_source_document(Deadline=20))
    assert pair.source.server.query_value("@@read_only") == "1"
    remove_quarantined_files(pair.source)
    assert pair.source.apply(pair.build_source_document(Deadline=20)).is_ready


@area.row(LOST_JOURNAL)
def a_journal_without_a_checksum_and_with_a_damaged_fingerprint(pair: Pair) -> ScenarioAnswers:
    """Versions that kept a single copy wrote this format; one bit of a salt is flipped."""
    pair.prepare()
    state = pair.replica.folder / "state"
    content = {
        "version": 1,
        "task": "t",
        "spent": 0.0,
        "noted": 0.0,
        "boot": "b",
        "accounts": [],
        "retained": [],
    }
    lose_journal(state)
    (state / JOURNAL_FILES[0]).write_text(
        json.dumps({**content, "given": [], "channel": {"salt": "0g", "digest": "00"}})
    )
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    remove_quarantined_files(pair.replica)


@area.row(READY)
def an_empty_replica_whose_journal_cannot_be_read(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    state = pair.replica.folder / "state"
    state.mkdir()
    corrupt_journal(state)
    yield pair.replica.apply(pair.build_replica_document(Deadline=30))


@area.row(READY)
def a_replica_that_lost_its_journal(pair: Pair) -> ScenarioAnswers:
    lose_journal(pair.prepare().replica.folder / "state")
    pair.insert_rows(5)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY)
def state_files_that_hold_deeply_nested_json(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    for name in ("status.json", "configuration.json", "signal.json", "document.json"):
        (pair.replica.folder / "state" / name).write_text("[" * 100_000)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(READY, quick=True)
def deeply_nested_json_beside_the_keys_of_the_metadata(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    nested: object = "innermost"
    for _ in range(300):
        nested = [nested]
    yield pair.replica.apply({**pair.build_replica_document(Deadline=30), "foreign": nested})


def remove_quarantined_files(node: Node) -> None:
    """Remove the quarantined files, as the documentation describes, after the data was checked."""
    for path in list_quarantined_files(node.folder / "state"):
        path.unlink()
