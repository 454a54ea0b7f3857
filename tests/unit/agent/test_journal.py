"""The journal survives; time is counted, not read."""

from pathlib import Path

import pytest

from guestagent.agent.journal import Journal, Memory
from guestagent.database.state import Account
from guestagent.database.steps import CreateAccount, DropAccount, PointChannel
from guestagent.errors import StorageError
from guestagent.retry import FakeClock
from guestagent.secret import Secret

SLAVE = Account("slave0000", "%")
PASSWORD = Secret("a password")
CREATE = CreateAccount(SLAVE, PASSWORD)
POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)


def opened(path: Path, clock: FakeClock, boot: str = "boot 1") -> Journal:
    return Journal(path / "journal.json", clock, boot)


def test_an_account_is_remembered_before_it_is_made(tmp_path: Path) -> None:
    opened(tmp_path, FakeClock()).intend(CREATE)

    assert opened(tmp_path, FakeClock()).memory.accounts == {SLAVE}


def test_a_dropped_account_is_forgotten_only_afterwards(tmp_path: Path) -> None:
    journal = opened(tmp_path, FakeClock())
    journal.intend(CREATE)

    journal.intend(DropAccount(SLAVE))
    assert journal.memory.accounts == {SLAVE}
    journal.done(DropAccount(SLAVE))

    assert opened(tmp_path, FakeClock()).memory.accounts == frozenset()


def test_the_channels_password_is_known_only_once_it_was_given(tmp_path: Path) -> None:
    journal = opened(tmp_path, FakeClock())

    journal.intend(POINT)
    assert journal.memory.channel is None
    journal.done(POINT)

    known = opened(tmp_path, FakeClock()).memory.channel
    assert known is not None
    assert known.of(PASSWORD)
    assert not known.of(Secret("another"))


def test_no_password_is_on_the_disk(tmp_path: Path) -> None:
    journal = opened(tmp_path, FakeClock())
    for step in (CREATE, POINT):
        journal.intend(step)
        journal.done(step)

    assert PASSWORD.reveal().encode() not in (tmp_path / "journal.json").read_bytes()


def test_time_is_counted_from_the_first_pass_of_a_task(tmp_path: Path) -> None:
    clock = FakeClock()
    opened(tmp_path, clock).begin("generation 1")
    clock.sleep(40)

    again = opened(tmp_path, clock)
    again.begin("generation 1")

    assert again.elapsed == 40


def test_a_reboot_does_not_give_time_back(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = opened(tmp_path, clock)
    journal.begin("generation 1")
    clock.sleep(40)
    journal.tick()

    rebooted = opened(tmp_path, FakeClock(start=12), boot="boot 2")

    assert rebooted.elapsed == 52


def test_a_new_generation_starts_anew(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = opened(tmp_path, clock)
    journal.begin("generation 1")
    clock.sleep(40)

    journal.begin("generation 2")

    assert journal.elapsed == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 99}', b'{"version": 1}', b"\xff"])
def test_a_torn_or_foreign_journal_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.json").write_bytes(content)

    assert opened(tmp_path, FakeClock()).memory == Memory()


def test_where_nothing_can_be_written_the_memory_stays_what_the_disk_holds(tmp_path: Path) -> None:
    journal = opened(tmp_path, FakeClock())
    (tmp_path / ".journal.json.draft").mkdir()

    with pytest.raises(StorageError):
        journal.intend(CREATE)

    assert journal.memory == Memory()


def test_an_unchanged_memory_is_not_written_again(tmp_path: Path) -> None:
    journal = opened(tmp_path, FakeClock())
    journal.intend(CREATE)
    written = (tmp_path / "journal.json").stat().st_mtime_ns

    journal.intend(CREATE)

    assert (tmp_path / "journal.json").stat().st_mtime_ns == written
