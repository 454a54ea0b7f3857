"""State files that cannot be read: each counts as none, is kept aside by whoever writes the next one, and is listed."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent import durable
from guestagent.agent import collect, settings, status
from guestagent.agent.collect import Collected
from guestagent.agent.configuration.record import Phase, Record, RecordFile
from guestagent.agent.kept_files import describe_kept_file
from guestagent.agent.mailbox import Mailbox
from guestagent.agent.pausing import UNREADABLE, paused
from guestagent.agent.poke import poke
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.file_lock import hold_lock
from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret
from guestagent.signal import Entry, Outcome, Spool, Status
from guestagent.unreadable_file import KEPT_LIMIT, keep_aside, list_kept_aside
from tests.support.identifiers import shorten

DEEP = b"[" * 900 + b"]" * 900
NESTED = b'{"version": 1, "x": ' + DEEP + b"}"
GARBLED = [b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"version": 2}', b'{"version": 1}', NESTED]
garbled = pytest.mark.parametrize("content", GARBLED, ids=shorten)
COLLECTED = Collected.of({"ReadyWaitCondition": "x"}, Path("cfn.json"))
ENTRY = Entry(CfnHandle(Secret("http://h/x?Signature=y")), "n-1", Outcome(Status.SUCCESS, "ready"))


def kept(folder: Path) -> list[str]:
    return [path.name.partition(".unreadable-")[0] for path in list_kept_aside(folder)]


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "state", tmp_path / "run", tmp_path / "cache")


@garbled
def test_a_document_that_cannot_be_read_is_kept_aside_by_the_agent(mailbox: Mailbox, content: bytes) -> None:
    durable.write(mailbox.state / "document.json", content)

    with mailbox.listen() as ear:
        found = ear.latest()

    assert (found, kept(mailbox.state)) == (None, ["document.json"])


def test_the_collectors_copy_stands_in_for_it(mailbox: Mailbox) -> None:
    durable.write(mailbox.state / "document.json", b"{")
    assert mailbox.cache is not None
    durable.write(mailbox.cache / "cfn.json.last", json.dumps(COLLECTED.document).encode())
    durable.write(mailbox.cache / "os_config_files.json", b'["cfn.json"]')

    with mailbox.listen() as ear:
        assert ear.latest() == COLLECTED


def test_a_document_that_is_garbled_under_the_agent_leaves_what_was_known(mailbox: Mailbox) -> None:
    mailbox.put(COLLECTED)
    with mailbox.listen() as ear:
        known = ear.latest()
        durable.write(mailbox.state / "document.json", b"{")

        assert [ear.latest(), ear.latest()] == [known, known]
        mailbox.put(replace(COLLECTED, token="another"))
        assert ear.latest() == COLLECTED


def test_poke_keeps_it_aside_too_and_writes_a_new_one(tmp_path: Path) -> None:
    machine = replace(
        settings.load(), state=tmp_path / "state", run=tmp_path / "run", collector_config=tmp_path / "none"
    )
    durable.write(machine.state / "document.json", b"{")
    durable.write(tmp_path / "cfn.json", json.dumps(COLLECTED.document).encode())

    poke({"OS_CONFIG_FILES": str(tmp_path / "cfn.json")}, machine, (), tmp_path)

    assert (kept(machine.state), collect.stored(machine.state)) == (["document.json"], COLLECTED)


@pytest.mark.parametrize(
    "beside",
    ["[" * 400 + "]" * 400, "NaN", "-Infinity", "1e999", "9" * 5000, r'"\ud800"', r'"\u0000\u202e"'],
    ids=lambda text: text[:12],
)
def test_whatever_stands_beside_our_keys_is_collected_kept_and_read(tmp_path: Path, beside: str) -> None:
    (tmp_path / "cfn.json").write_text(f'{{"ReadyWaitCondition": "x", "theirs": {beside}}}')

    found = collect.chosen([tmp_path / "cfn.json"])
    assert found is not None
    collect.keep(tmp_path, found)

    assert collect.stored(tmp_path) == found
    assert found.document["ReadyWaitCondition"] == "x"


def test_what_even_python_cannot_read_is_an_error_of_the_document(tmp_path: Path) -> None:
    (tmp_path / "cfn.json").write_text('{"ReadyWaitCondition": "x", "theirs": ' + "[" * 100_000)

    with pytest.raises(InvalidMetadata, match="nested too deep"):
        collect.chosen([tmp_path / "cfn.json"])


@garbled
def test_a_status_that_cannot_be_read_is_kept_aside_before_it_is_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "status.json").write_bytes(content)

    status.keep_unreadable_aside(tmp_path / "status.json")

    assert kept(tmp_path) == ([] if content == b"" else ["status.json"])


@garbled
def test_a_record_of_the_option_file_that_cannot_be_read_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "configuration.json").write_bytes(content)

    file = RecordFile(tmp_path / "configuration.json")
    found = file.record
    file.keep(Record(phase=Phase.TOOK))

    assert (found, kept(tmp_path)) == (Record(), ["configuration.json"])
    assert RecordFile(tmp_path / "configuration.json").record == Record(phase=Phase.TOOK)


@garbled
def test_a_spool_that_cannot_be_read_says_it_once_more(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signal.json").write_bytes(content)
    spool = Spool(tmp_path)

    found = spool.record()
    spool.put(ENTRY)

    assert (found, spool.pending(), kept(tmp_path)) == (None, ENTRY, ["signal.json"])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("key",), 7),
        (("key",), "another"),
        (("pending",), []),
        (("pending", "handle"), None),
        (("pending", "handle", "text"), 7),
        (("pending", "handle", "text"), "http://h/\ud800"),
        (("pending", "unique_id"), {}),
        (("pending", "outcome", "status"), "MAYBE"),
        (("pending", "outcome", "data"), []),
        (("pending", "outcome", "reason"), None),
        (("accepted",), True),
        (("given_up",), {"outcome": {}}),
        (("resource",), None),
    ],
    ids=shorten,
)
def test_wrong_types_in_a_spool_are_noticed(tmp_path: Path, place: tuple[str, ...], value: object) -> None:
    spool = Spool(tmp_path)
    spool.put(ENTRY)
    content = json.loads((tmp_path / "signal.json").read_text())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "signal.json").write_text(json.dumps(content))

    assert spool.record() is None


def test_a_mark_that_cannot_be_read_still_is_a_pause(tmp_path: Path) -> None:
    for content in GARBLED:
        (tmp_path / "paused.json").write_bytes(content)

        assert paused(tmp_path) == UNREADABLE


def test_two_writers_of_the_spool_wait_for_each_other(tmp_path: Path) -> None:
    spool, done = Spool(tmp_path), threading.Event()

    def accept() -> None:
        spool.accept(ENTRY)
        done.set()

    with hold_lock(tmp_path / "signal.lock"):
        thread = threading.Thread(target=accept)
        thread.start()
        early = done.wait(0.2)
    thread.join(5)

    assert (early, done.is_set()) == (False, True)


def test_nobody_waits_for_a_lock_without_an_end(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "lock"):
        waiting = hold_lock(tmp_path / "lock", patience=0.05)

        with pytest.raises(StorageError, match="has held it"), waiting:
            pass


def test_a_kept_file_is_private_bounded_and_described(tmp_path: Path) -> None:
    for number in range(KEPT_LIMIT + 3):
        (tmp_path / "status.json").write_text(str(number))
        (tmp_path / "status.json").chmod(0o644)
        keep_aside(tmp_path / "status.json", "for a test")

    files = list_kept_aside(tmp_path)
    assert [path.read_text() for path in files] == ["0", "4", "5", "6"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert str(files[0]) in describe_kept_file(files[0])


@pytest.mark.parametrize(
    ("name", "is_kept_for_the_agent"),
    [("status.json", False), ("journal.json", True), ("journal-copy.json", True), ("former-journal.json", False)],
)
def test_the_description_of_a_lost_journal_does_not_advise_to_remove_it(
    name: str, is_kept_for_the_agent: bool
) -> None:
    described = describe_kept_file(Path(f"/var/lib/guestagent/{name}.unreadable-20261129T001808Z"))

    assert ("do not remove it yet" in described) is is_kept_for_the_agent
    assert ("then remove it" in described) is not is_kept_for_the_agent
