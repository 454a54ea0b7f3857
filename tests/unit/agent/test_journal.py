"""The journal survives; time is counted, not read."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from guestagent.agent.journal import Journal
from guestagent.agent.journal_state import JournalState
from guestagent.database.state import Account, AccountState
from guestagent.database.steps import CreateAccount, DropAccount, PointChannel, SetPassword, Step
from guestagent.errors import StorageError
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_account, build_proof
from tests.support.journals import lose_journal

SLAVE, OTHER = Account("slave0000", "%"), Account("slave0001", "%")
PASSWORD = Secret("a password")
CREATE = CreateAccount(SLAVE, PASSWORD)
POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)


def open_journal(path: Path, clock: FakeClock, boot: str = "boot 1") -> Journal:
    return Journal(path / "journal.json", clock, boot)


def test_an_account_is_remembered_before_it_is_made(tmp_path: Path) -> None:
    open_journal(tmp_path, FakeClock()).record_intent(CREATE)

    assert open_journal(tmp_path, FakeClock()).state.accounts == {SLAVE}


def test_a_dropped_account_is_forgotten_only_afterwards(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    journal.record_intent(CREATE)

    journal.record_intent(DropAccount(SLAVE))
    assert journal.state.accounts == {SLAVE}
    journal.record_completion(DropAccount(SLAVE))

    assert open_journal(tmp_path, FakeClock()).state.accounts == frozenset()


def test_the_channels_password_is_known_only_once_it_was_given(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())

    journal.record_intent(POINT)
    assert journal.state.channel is None
    journal.record_completion(POINT)

    known = open_journal(tmp_path, FakeClock()).state.channel
    assert known is not None
    assert known.is_match(PASSWORD)
    assert not known.is_match(Secret("another"))


def test_no_password_is_on_the_disk(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    for step in (CREATE, POINT):
        journal.record_intent(step)
        journal.record_completion(step)

    assert PASSWORD.reveal().encode() not in (tmp_path / "journal.json").read_bytes()


def test_time_is_counted_from_the_first_pass_of_a_task(tmp_path: Path) -> None:
    clock = FakeClock()
    open_journal(tmp_path, clock).begin_task("generation 1")
    clock.sleep(40)

    again = open_journal(tmp_path, clock)
    again.begin_task("generation 1")

    assert again.elapsed_s == 40


def test_a_reboot_does_not_give_time_back(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    journal.begin_task("generation 1")
    clock.sleep(40)
    journal.record_elapsed()

    rebooted = open_journal(tmp_path, FakeClock(start=12), boot="boot 2")

    assert rebooted.elapsed_s == 52


def test_a_new_generation_starts_anew(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    journal.begin_task("generation 1")
    clock.sleep(40)

    journal.begin_task("generation 2")

    assert journal.elapsed_s == 0


def test_tasks_that_take_turns_each_go_on_with_their_own_time(tmp_path: Path) -> None:
    clock = FakeClock()
    for _ in range(5):
        for task in ("generation 1", "generation 2"):
            journal = open_journal(tmp_path, clock)
            journal.begin_task(task)
            clock.sleep(10)

    assert journal.elapsed_s == 50
    assert journal.get_task_seconds("generation 1") == 50
    assert journal.get_task_seconds("generation 3") == 0


def test_a_task_whose_deadline_has_done_its_duty_begins_anew_when_it_comes_back(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    journal.begin_task("generation 1")
    clock.sleep(86400)
    journal.record_outcome("generation 1")
    journal.begin_task("generation 2")

    again = open_journal(tmp_path, clock)
    again.begin_task("generation 1")

    assert again.elapsed_s == 0
    assert not again.state.has_outcome


def test_only_the_newest_superseded_tasks_are_remembered(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    for number in range(100):
        journal.begin_task(f"generation {number}")
        clock.sleep(1)

    assert [task for task, _ in journal.state.superseded_tasks] == [
        f"generation {number}" for number in range(83, 99)
    ]


def test_a_full_disk_does_not_keep_a_task_from_being_settled(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "file" / "journal.json", FakeClock(), "boot 1")
    (tmp_path / "file").touch()
    with suppress(StorageError):
        journal.begin_task("generation 1")

    journal.record_outcome("generation 1")

    assert journal.state.task == "generation 1"


def test_a_task_that_an_earlier_version_named_goes_on_under_its_new_name(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    journal.begin_task("named by 0.1")
    journal.record_intent(SetPassword(SLAVE, PASSWORD, current_hash=PASSWORD))
    clock.sleep(40)

    upgraded = open_journal(tmp_path, clock)
    upgraded.rename_task("named by 0.1", "generation 1")
    upgraded.begin_task("generation 1")

    assert upgraded.elapsed_s == 40
    assert not upgraded.state.has_stale_password(SLAVE)


def test_where_nothing_can_be_written_the_memory_stays_what_the_disk_holds(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    (tmp_path / ".journal.json.draft").mkdir()

    with pytest.raises(StorageError):
        journal.record_intent(CREATE)

    assert journal.state == JournalState()


def test_an_unchanged_memory_is_not_written_again(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    journal.record_intent(CREATE)
    written = (tmp_path / "journal.json").stat().st_mtime_ns

    journal.record_intent(CREATE)

    assert (tmp_path / "journal.json").stat().st_mtime_ns == written


def test_what_is_known_of_passwords_may_be_missing_and_what_is_retained_may_not(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    (tmp_path / ".journal.json.draft").mkdir()

    journal.record_passwords([], [build_account()])
    with pytest.raises(StorageError):
        journal.record_passwords([SLAVE], [])

    assert journal.state == JournalState()


def test_a_password_that_the_agent_did_not_set_is_recognized_after_its_own_were_checked(
    tmp_path: Path,
) -> None:
    open_journal(tmp_path, FakeClock()).record_passwords(
        [], [build_account(retained_hash=build_proof("old"))]
    )

    state = open_journal(tmp_path, FakeClock()).state

    assert [state.can_be_agent_password(SLAVE, build_proof(password)) for password in ("pw", "old", "x")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("step", [CREATE, SetPassword(SLAVE, PASSWORD)], ids=["creation", "password"])
@pytest.mark.parametrize("done", [False, True])
def test_between_intent_and_look_any_password_may_be_the_agents_own(
    tmp_path: Path, step: Step, done: bool
) -> None:
    journal = open_journal(tmp_path, FakeClock())
    journal.record_passwords([], [build_account()])

    journal.record_intent(step)
    if done:
        journal.record_completion(step)

    assert open_journal(tmp_path, FakeClock()).state.can_be_agent_password(SLAVE, build_proof("x"))


def test_of_a_lost_journal_any_password_may_be_the_agents_own(tmp_path: Path) -> None:
    assert open_journal(tmp_path, FakeClock()).state.can_be_agent_password(SLAVE, build_proof("x"))


def test_the_journal_of_an_older_agent_knows_its_accounts_and_of_no_passwords(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    journal.record_intent(CREATE)
    content = json.loads((tmp_path / "journal.json").read_text())
    newer = ("earlier", "settled", "partings", "sighting", "anchor", "unfinished", "seed")
    donors = ("donors", "donors_measured_at")
    for key in ("given", "retained", *newer, *donors, "sequence", "checksum"):
        del content[key]
    lose_journal(tmp_path)
    (tmp_path / "journal.json").write_text(json.dumps(content))

    state = open_journal(tmp_path, FakeClock()).state

    assert state.accounts == {SLAVE}
    assert state.can_be_agent_password(SLAVE, build_proof("x"))


@pytest.mark.parametrize(
    ("now", "known"),
    [
        (build_account(retained_hash=build_proof("old")), True),
        (build_account(password="old", retained_hash=build_proof("pw")), True),
        (build_account(), False),
        (build_account(password="old"), False),
        (build_account(retained_hash=build_proof("x")), False),
        (build_account(OTHER), False),
    ],
)
def test_the_passwords_of_an_account_are_known_as_they_were_looked_at(now: AccountState, known: bool) -> None:
    state = JournalState().record_passwords([build_account(retained_hash=build_proof("old"))])

    assert state.has_agent_passwords(now) is known


def test_accounts_that_are_seen_together_are_known_as_one_by_one() -> None:
    first, second = build_account(), build_account(Account("other", "%"), retained_hash=build_proof("old"))

    state = JournalState().record_passwords([first, second]).record_passwords([build_account(password="new")])

    assert [state.has_agent_passwords(each) for each in (first, second, build_account(password="new"))] == [
        False,
        True,
        True,
    ]


def test_a_password_that_is_gone_is_the_agents_own_no_more(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, FakeClock())
    journal.record_passwords([], [build_account(retained_hash=build_proof("old"))])

    journal.record_passwords([], [build_account()])

    assert not journal.state.can_be_agent_password(SLAVE, build_proof("old"))


def test_what_a_server_stores_of_a_password_is_not_on_the_disk(tmp_path: Path) -> None:
    open_journal(tmp_path, FakeClock()).record_passwords(
        [], [build_account(password="a password", retained_hash=build_proof("another one"))]
    )

    content = (tmp_path / "journal.json").read_text()
    assert [proof for proof in ("drowssap a", "eno rehtona") if proof in content] == []
