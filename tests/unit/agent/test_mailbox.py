from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from guestagent.agent import bell
from guestagent.agent.collect import Collected
from guestagent.agent.mailbox import Mailbox
from guestagent.errors import StorageError

SOON = 5.0


def document(number: int) -> Collected:
    return Collected.of({"ReadyWaitCondition": f"http://heat.test/{number}"}, Path("cfn.json"))


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "state", tmp_path / "run", tmp_path / "cache")


def test_a_document_without_a_listener_waits_in_its_file(mailbox: Mailbox) -> None:
    mailbox.put(document(1))

    with mailbox.listen() as ear:
        assert ear.latest() == document(1)
        assert not ear.wait(0)


def test_a_listener_hears_and_finds_the_newer_document(mailbox: Mailbox) -> None:
    mailbox.put(document(1))
    with mailbox.listen() as ear:
        before = ear.newer_than(document(1).token)
        mailbox.put(document(2))

        assert ear.wait(SOON)
        assert (before, ear.newer_than(document(1).token)) == (False, True)
        assert ear.latest() == document(2)


def test_many_pokes_end_one_wait(mailbox: Mailbox) -> None:
    with mailbox.listen() as ear:
        for _ in range(2000):
            mailbox.ring()

        assert ear.wait(0)
        assert not ear.wait(0)


def test_the_same_document_again_is_heard_but_not_written(mailbox: Mailbox) -> None:
    mailbox.put(document(1))
    before = (mailbox.state / "document.json").stat()
    with mailbox.listen() as ear:
        mailbox.put(document(1))

        assert ear.wait(SOON)
        assert not ear.newer_than(document(1).token)
    assert (mailbox.state / "document.json").stat().st_ino == before.st_ino


def collected(mailbox: Mailbox, number: int) -> bytes:
    """The list of files that os-collect-config gives its command."""
    file = mailbox.state.parent / "cfn.json"
    file.write_text(json.dumps(document(number).document))
    return os.fsencode(f"/nowhere/ec2.json:{file}")


def test_a_bell_that_names_the_files_is_heard_before_the_document_is_stored(mailbox: Mailbox) -> None:
    with mailbox.listen() as ear:
        bell.ring(str(mailbox.run), collected(mailbox, 1))

        assert ear.wait(SOON)
        early = ear.latest()
        mailbox.put(document(1))

        assert not ear.wait(0), "what was named has only been stored: there is nothing new to look at"
        assert early == ear.latest() == document(1)
        assert early is not None
        assert early.at


def test_poke_rings_with_the_files_that_it_is_given_and_then_makes_room(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    monkeypatch.setattr(bell, "FOLDER", str(mailbox.run))
    monkeypatch.setattr(os, "nice", steps.append)
    monkeypatch.setitem(os.environ, "OS_CONFIG_FILES", os.fsdecode(collected(mailbox, 1)))
    with mailbox.listen() as ear:
        bell.ring_early()

        assert ear.wait(SOON)
        assert ear.latest() == document(1)
    assert steps == [bell.BEHIND]


def test_what_is_stored_counts_more_than_what_was_named(mailbox: Mailbox) -> None:
    mailbox.put(document(1))
    with mailbox.listen() as ear:
        bell.ring(str(mailbox.run), collected(mailbox, 2))
        ear.wait(SOON)
        named = ear.latest()
        mailbox.put(document(3))

        assert ear.wait(SOON)
        assert (named, ear.latest()) == (document(2), document(3))


def test_files_that_cannot_be_read_leave_what_was_known(mailbox: Mailbox) -> None:
    mailbox.put(document(1))
    with mailbox.listen() as ear:
        bell.ring(str(mailbox.run), b"/nowhere/cfn.json")

        assert not ear.wait(0)
        assert ear.latest() == document(1)


def test_a_copy_of_boot_time_that_is_only_left_over_is_not_heard(mailbox: Mailbox) -> None:
    named = collected(mailbox, 1)
    (mailbox.state.parent / "cfn.json.last").write_text(json.dumps(document(1).document))
    mailbox.put(document(2))
    with mailbox.listen() as ear:
        bell.ring(str(mailbox.run), named)
        ear.wait(SOON)

        assert ear.latest() == document(2)


def test_a_wait_ends_by_itself(mailbox: Mailbox) -> None:
    with mailbox.listen() as ear:
        assert not ear.wait(-1)
        assert not ear.wait(0.01)
        assert ear.latest() is None
        assert not ear.newer_than(None)


def test_another_thread_ends_a_wait(mailbox: Mailbox) -> None:
    with mailbox.listen() as ear:
        threading.Timer(0.01, ear.wake).start()

        assert ear.wait(SOON)


def test_a_signals_handler_ends_a_wait(mailbox: Mailbox) -> None:
    with mailbox.listen() as ear:
        old = signal.signal(signal.SIGUSR1, lambda number, frame: ear.wake())
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGUSR1]).start()

        assert ear.wait(SOON)

        signal.signal(signal.SIGUSR1, old)


def test_the_socket_of_a_killed_agent_is_taken_over(mailbox: Mailbox) -> None:
    with mailbox.listen(), mailbox.listen() as heir:
        mailbox.put(document(1))

        assert heir.wait(SOON)


def test_nobody_else_may_poke_or_read(mailbox: Mailbox) -> None:
    mailbox.put(document(1))
    with mailbox.listen():
        modes = [
            path.stat().st_mode & 0o777 for path in (mailbox.run, mailbox.run / bell.NAME, mailbox.state)
        ]

    assert modes == [0o700, 0o600, 0o700]
    assert not (mailbox.run / bell.NAME).exists()


def test_where_nothing_was_handed_over_the_committed_document_counts(mailbox: Mailbox) -> None:
    assert mailbox.cache is not None
    mailbox.cache.mkdir()
    (mailbox.cache / "cfn.json.last").write_text(json.dumps(document(1).document))
    (mailbox.cache / "os_config_files.json").write_text('["/any/cfn.json"]')

    with mailbox.listen() as ear:
        assert ear.latest() == document(1)


def test_an_unreadable_file_leaves_what_was_known(mailbox: Mailbox) -> None:
    mailbox.put(document(1))
    with mailbox.listen() as ear:
        known = ear.latest()
        (mailbox.state / "document.json").unlink()
        (mailbox.state / "document.json").mkdir()

        assert ear.latest() == known


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="cannot listen at"):
        Mailbox(tmp_path, tmp_path / "file").listen()


def commit_collected(mailbox: Mailbox, number: int) -> None:
    """What os-collect-config leaves once its command has taken a document."""
    assert mailbox.cache is not None
    mailbox.cache.mkdir(exist_ok=True)
    content = json.dumps({"ReadyWaitCondition": f"http://heat.test/{number}"})
    for name in ("cfn.json", "cfn.json.last"):
        (mailbox.cache / name).write_text(content)
    (mailbox.cache / "os_config_files.json").write_text(json.dumps([str(mailbox.cache / "cfn.json")]))


def test_the_collectors_cache_is_read_only_when_it_has_changed(mailbox: Mailbox) -> None:
    with mailbox.listen() as ear:
        nothing = ear.latest()
        commit_collected(mailbox, 1)
        first, again = ear.latest(), ear.latest()
        commit_collected(mailbox, 2)
        second = ear.latest()

        assert nothing is None
        assert first == document(1)
        assert again is first  # one that was parsed again would be another object
        assert second == document(2)
