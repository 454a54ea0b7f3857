"""The journal outlives a garbled copy and a kill between the two, and is not taken for a new one if both are lost."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from guestagent import atomic_file
from guestagent.agent.journal import Journal
from guestagent.agent.journal_file import JOURNAL_FILES
from guestagent.agent.journal_state import JournalState
from guestagent.database.state import Account
from guestagent.database.steps import CreateAccount, PointChannel
from guestagent.errors import StorageError
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.unreadable_file import list_quarantined_files
from tests.support.journals import corrupt_journal, is_repaired
from tests.support.parameter_ids import shorten

SLAVE, OTHER = Account("slave0000", "%"), Account("slave0001", "%")
CREATE, CREATE_OTHER = CreateAccount(SLAVE, Secret("a password")), CreateAccount(OTHER, Secret("a password"))
POINT = PointChannel("10.0.0.7", 3306, "slave0000", Secret("a password"))
NESTED = b'{"version": 1, "x": ' + b"[" * 500 + b"]" * 500 + b"}"
GARBLED = [b"", b"{", b"[]", b"\xff", b'{"version": 99}', b'{"version": 1}', b"null", NESTED, b"[" * 100_000]


def open_journal(folder: Path) -> Journal:
    return Journal(folder / "journal.json", FakeClock(), "boot 1")


def list_kept_files(folder: Path) -> list[str]:
    return [path.name.partition(".unreadable-")[0] for path in list_quarantined_files(folder)]


@pytest.mark.parametrize("name", JOURNAL_FILES)
@pytest.mark.parametrize("content", [*GARBLED, None], ids=shorten)
def test_what_one_copy_has_lost_the_other_one_has(tmp_path: Path, name: str, content: bytes | None) -> None:
    open_journal(tmp_path).record_intent(CREATE)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)

    journal = open_journal(tmp_path)

    assert journal.state.accounts == {SLAVE}
    assert journal.loss == ""


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.patient)])
def test_a_flipped_bit_of_one_copy_is_noticed(tmp_path: Path, step: int) -> None:
    journal = open_journal(tmp_path)
    journal.record_intent(CREATE)
    journal.record_completion(POINT)
    whole, memory = (tmp_path / JOURNAL_FILES[0]).read_bytes(), journal.state

    for place in range(0, len(whole) * 8, step):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / JOURNAL_FILES[0]).write_bytes(flipped)

        assert open_journal(tmp_path).state == memory, bytes(flipped)


def test_a_garbled_copy_is_replaced_and_kept_at_the_next_pass_though_nothing_has_changed(
    tmp_path: Path,
) -> None:
    journal = open_journal(tmp_path)
    journal.begin_task("a task")
    (tmp_path / JOURNAL_FILES[0]).write_bytes(b"{")

    open_journal(tmp_path).begin_task("a task")

    assert is_repaired(tmp_path)
    assert (list_kept_files(tmp_path), open_journal(tmp_path).loss) == (["former-journal.json"], "")


def test_a_folder_in_the_place_of_a_copy_is_replaced_too(tmp_path: Path) -> None:
    open_journal(tmp_path).begin_task("a task")
    (tmp_path / JOURNAL_FILES[1]).unlink()
    (tmp_path / JOURNAL_FILES[1]).mkdir()

    open_journal(tmp_path).begin_task("a task")

    assert is_repaired(tmp_path)


@pytest.mark.parametrize("newer", JOURNAL_FILES)
def test_after_a_kill_between_the_two_copies_the_newer_one_counts(tmp_path: Path, newer: str) -> None:
    journal = open_journal(tmp_path)
    journal.record_intent(CREATE)
    before = {name: (tmp_path / name).read_bytes() for name in JOURNAL_FILES}
    journal.record_intent(CREATE_OTHER)
    (older,) = {*JOURNAL_FILES} - {newer}
    (tmp_path / older).write_bytes(before[older])

    again = open_journal(tmp_path)
    again.begin_task("a task")

    assert again.state.accounts == {SLAVE, OTHER}
    assert is_repaired(tmp_path)


@pytest.mark.parametrize("calls", range(12))
def test_a_kill_anywhere_within_a_write_leaves_the_old_journal_or_the_new_one(
    tmp_path: Path, calls: int
) -> None:
    open_journal(tmp_path).record_intent(CREATE)

    child = os.fork()
    if child == 0:
        die_after(calls)
        open_journal(tmp_path).record_intent(CREATE_OTHER)
        os._exit(1)
    os.waitpid(child, 0)
    journal = open_journal(tmp_path)

    assert journal.loss == ""
    assert journal.state.accounts in ({SLAVE}, {SLAVE, OTHER})


def die_after(calls: int) -> None:
    """End this process at the call of that number to the operating system that changes a file."""
    left = [calls]

    def kill_at_call(event: str, _: object) -> None:
        if event in {"open", "os.remove", "os.rename"}:
            left[0] -= 1
            if left[0] < 0:
                os._exit(0)

    sys.addaudithook(kill_at_call)


def test_a_full_disk_leaves_both_copies_as_they_were(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.record_intent(CREATE)
    before = {name: (tmp_path / name).read_bytes() for name in JOURNAL_FILES}
    (tmp_path / f".{JOURNAL_FILES[1]}.draft").mkdir()

    with pytest.raises(StorageError):
        journal.record_intent(CREATE_OTHER)

    assert {name: (tmp_path / name).read_bytes() for name in JOURNAL_FILES} == before
    assert journal.state.accounts == {SLAVE}


def test_a_journal_of_a_version_with_one_copy_is_read_and_gets_a_second_one(tmp_path: Path) -> None:
    write_as_earlier_versions(tmp_path, task="a task")

    journal = open_journal(tmp_path)
    journal.begin_task("a task")

    assert (journal.state.task, journal.loss) == ("a task", "")
    assert is_repaired(tmp_path)


def test_what_an_earlier_version_wrote_after_a_downgrade_is_newer_than_the_second_copy(
    tmp_path: Path,
) -> None:
    open_journal(tmp_path).begin_task("a task")
    write_as_earlier_versions(tmp_path, task="a later one")

    assert open_journal(tmp_path).state.task == "a later one"


def test_a_journal_that_has_lost_its_checksum_is_none_of_an_earlier_version(tmp_path: Path) -> None:
    open_journal(tmp_path).begin_task("a task")
    content = json.loads((tmp_path / JOURNAL_FILES[0]).read_text())
    content["chcksum"] = content.pop("checksum")
    (tmp_path / JOURNAL_FILES[0]).write_text(json.dumps(content))
    (tmp_path / JOURNAL_FILES[1]).unlink()

    journal = open_journal(tmp_path)

    assert (journal.state, "without its checksum" in journal.loss) == (JournalState(), True)


@pytest.mark.parametrize(
    "changed",
    [
        {"spent": float("nan")},
        {"spent": "a while"},
        {"spent": True},
        {"noted": 10**400},
        {"accounts": [["slave0000"]]},
        {"accounts": [[["x"], "%"]]},
        {"accounts": {}},
        {"channel": {"salt": "zz", "digest": "00"}},
        {"channel": {"salt": 7, "digest": "00"}},
        {"channel": {"salt": "00"}},
        {"given": [["slave0000", "%", "0g", "00"]]},
        {"retained": None},
        {"task": None},
        {"boot": []},
    ],
    ids=shorten,
)
def test_wrong_values_of_a_journal_without_a_checksum_are_noticed(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    write_as_earlier_versions(tmp_path, **changed)

    journal = open_journal(tmp_path)

    assert (journal.state, bool(journal.loss)) == (JournalState(), True)


@pytest.mark.parametrize("content", GARBLED, ids=shorten)
def test_if_neither_copy_can_be_read_both_are_kept_and_it_stays_known(tmp_path: Path, content: bytes) -> None:
    open_journal(tmp_path).begin_task("a task")
    corrupt_journal(tmp_path, content)

    open_journal(tmp_path).begin_task("a task")

    assert list_kept_files(tmp_path) == ["journal-copy.json", "journal.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in list_quarantined_files(tmp_path)} == {0o600}
    assert open_journal(tmp_path).loss == ", ".join(str(path) for path in list_quarantined_files(tmp_path))


def test_who_only_looks_moves_nothing(tmp_path: Path) -> None:
    open_journal(tmp_path).begin_task("a task")
    corrupt_journal(tmp_path)

    loss = open_journal(tmp_path).loss

    assert loss == ", ".join(f"{tmp_path / name} (not JSON)" for name in JOURNAL_FILES)
    assert list_kept_files(tmp_path) == []


@pytest.mark.parametrize("settle", [Journal.accept_loss, lambda _: None], ids=["an empty server", "a person"])
def test_a_loss_is_over_when_it_was_accepted_or_the_files_were_removed(
    tmp_path: Path, settle: Callable[[Journal], None]
) -> None:
    open_journal(tmp_path).begin_task("a task")
    corrupt_journal(tmp_path)
    journal = open_journal(tmp_path)
    journal.begin_task("a task")
    settle(journal)
    for path in list_quarantined_files(tmp_path) if journal.loss else ():
        path.unlink()

    assert (journal.loss, open_journal(tmp_path).loss) == ("", "")


def test_no_more_than_a_few_files_are_kept_and_the_first_one_stays(tmp_path: Path) -> None:
    for number in range(10):
        corrupt_journal(tmp_path, b"%d" % number)
        open_journal(tmp_path).begin_task("a task")

    first, *others = list_quarantined_files(tmp_path, JOURNAL_FILES[0])
    assert atomic_file.read_file(first) == b"0"
    assert [atomic_file.read_file(path) for path in others] == [b"7", b"8", b"9"]


def test_the_two_copies_share_no_block(tmp_path: Path) -> None:
    """A file system that stores equal blocks once would keep one copy."""
    journal = open_journal(tmp_path)
    for number in range(30):
        journal.record_intent(CreateAccount(Account(f"slave{number:04}", "%"), Secret("a password")))
    one, two = ((tmp_path / name).read_bytes() for name in JOURNAL_FILES)

    blocks = [{content[at : at + 512] for at in range(0, len(content), 512)} for content in (one, two)]

    assert blocks[0] & blocks[1] == set()


def write_as_earlier_versions(folder: Path, **changed: object) -> None:
    plain = {
        "version": 1,
        "task": "",
        "spent": 0.0,
        "noted": 0.0,
        "boot": "boot 1",
        "accounts": [],
        "channel": None,
    }
    (folder / JOURNAL_FILES[0]).write_text(json.dumps({**plain, "retained": [], "given": [], **changed}))
