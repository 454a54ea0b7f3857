"""State files that cannot be read: each counts as none, is quarantined when the next one is written, and is listed."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent import atomic_file
from guestagent.agent import metadata_files, settings, status
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.kept_file_advice import describe_kept_file
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.pause import UNREADABLE_PAUSE, read_pause
from guestagent.agent.poke import deliver_document
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import ChangeState, Phase
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.file_lock import hold_lock
from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret
from guestagent.signal import SignalOutcome, SignalStatus, Spool, SpoolEntry
from guestagent.unreadable_file import QUARANTINE_LIMIT, list_quarantined_files, quarantine_file
from tests.support.parameter_ids import shorten

DEEP = b"[" * 900 + b"]" * 900
NESTED = b'{"version": 1, "x": ' + DEEP + b"}"
GARBLED = [b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"version": 2}', b'{"version": 1}', NESTED]
garbled = pytest.mark.parametrize("content", GARBLED, ids=shorten)
COLLECTED = CollectedDocument.from_document({"ReadyWaitCondition": "x"}, Path("cfn.json"))
ENTRY = SpoolEntry(
    CfnHandle(Secret("http://h/x?Signature=y")), "n-1", SignalOutcome(SignalStatus.SUCCESS, "ready")
)


def list_kept_names(folder: Path) -> list[str]:
    return [path.name.partition(".unreadable-")[0] for path in list_quarantined_files(folder)]


@pytest.fixture
def inbox(tmp_path: Path) -> DocumentInbox:
    return DocumentInbox(tmp_path / "state", tmp_path / "run", tmp_path / "cache")


@garbled
def test_a_document_that_cannot_be_read_is_kept_aside_by_the_agent(
    inbox: DocumentInbox, content: bytes
) -> None:
    atomic_file.write_file(inbox.state_folder / "document.json", content)

    with inbox.open_listener() as listener:
        content_read = listener.read_latest()

    assert (content_read, list_kept_names(inbox.state_folder)) == (None, ["document.json"])


def test_the_collectors_copy_stands_in_for_it(inbox: DocumentInbox) -> None:
    atomic_file.write_file(inbox.state_folder / "document.json", b"{")
    assert inbox.cache_folder is not None
    atomic_file.write_file(inbox.cache_folder / "cfn.json.last", json.dumps(COLLECTED.document).encode())
    atomic_file.write_file(inbox.cache_folder / "os_config_files.json", b'["cfn.json"]')

    with inbox.open_listener() as listener:
        assert listener.read_latest() == COLLECTED


def test_a_document_that_is_garbled_under_the_agent_leaves_what_was_known(inbox: DocumentInbox) -> None:
    inbox.store(COLLECTED)
    with inbox.open_listener() as listener:
        known = listener.read_latest()
        atomic_file.write_file(inbox.state_folder / "document.json", b"{")

        assert [listener.read_latest(), listener.read_latest()] == [known, known]
        inbox.store(replace(COLLECTED, token="another"))
        assert listener.read_latest() == COLLECTED


def test_poke_keeps_it_aside_too_and_writes_a_new_one(tmp_path: Path) -> None:
    machine = replace(
        settings.load_settings(),
        state_folder=tmp_path / "state",
        run_folder=tmp_path / "run",
        collector_config=tmp_path / "none",
    )
    atomic_file.write_file(machine.state_folder / "document.json", b"{")
    atomic_file.write_file(tmp_path / "cfn.json", json.dumps(COLLECTED.document).encode())

    deliver_document({"OS_CONFIG_FILES": str(tmp_path / "cfn.json")}, machine, (), tmp_path)

    assert (
        list_kept_names(machine.state_folder),
        metadata_files.find_stored_document(machine.state_folder),
    ) == (
        ["document.json"],
        COLLECTED,
    )


@pytest.mark.parametrize(
    "beside",
    ["[" * 400 + "]" * 400, "NaN", "-Infinity", "1e999", "9" * 5000, r'"\ud800"', r'"\u0000\u202e"'],
    ids=lambda text: text[:12],
)
def test_whatever_stands_beside_our_keys_is_collected_kept_and_read(tmp_path: Path, beside: str) -> None:
    (tmp_path / "cfn.json").write_text(f'{{"ReadyWaitCondition": "x", "theirs": {beside}}}')

    content_read = metadata_files.choose_document([tmp_path / "cfn.json"])
    assert content_read is not None
    metadata_files.store_document(tmp_path, content_read)

    assert metadata_files.find_stored_document(tmp_path) == content_read
    assert content_read.document["ReadyWaitCondition"] == "x"


def test_what_even_python_cannot_read_is_an_error_of_the_document(tmp_path: Path) -> None:
    (tmp_path / "cfn.json").write_text('{"ReadyWaitCondition": "x", "theirs": ' + "[" * 100_000)

    with pytest.raises(InvalidMetadata, match="nested too deep"):
        metadata_files.choose_document([tmp_path / "cfn.json"])


@garbled
def test_a_status_that_cannot_be_read_is_kept_aside_before_it_is_written_anew(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "status.json").write_bytes(content)

    status.quarantine_unreadable_status(tmp_path / "status.json")

    assert list_kept_names(tmp_path) == ([] if content == b"" else ["status.json"])


@garbled
def test_a_record_of_the_option_file_that_cannot_be_read_counts_as_none(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "configuration.json").write_bytes(content)

    file = ChangeFile(tmp_path / "configuration.json")
    content_read = file.state
    file.write(ChangeState(phase=Phase.APPLIED))

    assert (content_read, list_kept_names(tmp_path)) == (ChangeState(), ["configuration.json"])
    assert ChangeFile(tmp_path / "configuration.json").state == ChangeState(phase=Phase.APPLIED)


@garbled
def test_an_unreadable_spool_makes_the_agent_signal_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signal.json").write_bytes(content)
    spool = Spool(tmp_path)

    content_read = spool.read_record()
    spool.put_entry(ENTRY)

    assert (content_read, spool.read_pending(), list_kept_names(tmp_path)) == (None, ENTRY, ["signal.json"])


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
    spool.put_entry(ENTRY)
    content = json.loads((tmp_path / "signal.json").read_text())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "signal.json").write_text(json.dumps(content))

    assert spool.read_record() is None


def test_a_mark_that_cannot_be_read_still_is_a_pause(tmp_path: Path) -> None:
    for content in GARBLED:
        (tmp_path / "paused.json").write_bytes(content)

        assert read_pause(tmp_path) == UNREADABLE_PAUSE


def test_two_writers_of_the_spool_wait_for_each_other(tmp_path: Path) -> None:
    spool, done = Spool(tmp_path), threading.Event()

    def accept() -> None:
        spool.mark_accepted(ENTRY)
        done.set()

    with hold_lock(tmp_path / "signal.lock"):
        thread = threading.Thread(target=accept)
        thread.start()
        early = done.wait(0.2)
    thread.join(5)

    assert (early, done.is_set()) == (False, True)


def test_nobody_waits_for_a_lock_without_an_end(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "lock"):
        waiting = hold_lock(tmp_path / "lock", timeout_s=0.05)

        with pytest.raises(StorageError, match="has held it"), waiting:
            pass


def test_a_kept_file_is_private_bounded_and_described(tmp_path: Path) -> None:
    for number in range(QUARANTINE_LIMIT + 3):
        (tmp_path / "status.json").write_text(str(number))
        (tmp_path / "status.json").chmod(0o644)
        quarantine_file(tmp_path / "status.json", "for a test")

    files = list_quarantined_files(tmp_path)
    assert [path.read_text() for path in files] == ["0", "4", "5", "6"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert str(files[0]) in describe_kept_file(files[0])


@pytest.mark.parametrize(
    ("name", "is_kept_for_the_agent"),
    [
        ("status.json", False),
        ("journal.json", True),
        ("journal-copy.json", True),
        ("former-journal.json", False),
    ],
)
def test_the_description_of_a_lost_journal_does_not_advise_to_remove_it(
    name: str, is_kept_for_the_agent: bool
) -> None:
    described = describe_kept_file(Path(f"/var/lib/guestagent/{name}.unreadable-20261129T001808Z"))

    assert ("do not remove it yet" in described) is is_kept_for_the_agent
    assert ("then remove it" in described) is not is_kept_for_the_agent
