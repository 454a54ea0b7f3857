from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from guestagent.agent import wakeup_pipe
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.errors import StorageError

SOON = 5.0


def document(number: int) -> CollectedDocument:
    return CollectedDocument.from_document(
        {"ReadyWaitCondition": f"http://heat.test/{number}"}, Path("cfn.json")
    )


@pytest.fixture
def mailbox(tmp_path: Path) -> DocumentInbox:
    return DocumentInbox(tmp_path / "state", tmp_path / "run", tmp_path / "cache")


def test_a_document_without_a_listener_waits_in_its_file(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))

    with mailbox.open_listener() as ear:
        assert ear.read_latest() == document(1)
        assert not ear.wait(0)


def test_a_listener_hears_and_finds_the_newer_document(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))
    with mailbox.open_listener() as ear:
        before = ear.newer_than(document(1).token)
        mailbox.store(document(2))

        assert ear.wait(SOON)
        assert (before, ear.newer_than(document(1).token)) == (False, True)
        assert ear.read_latest() == document(2)


def test_many_pokes_end_one_wait(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener() as ear:
        for _ in range(2000):
            mailbox.send_wakeup()

        assert ear.wait(0)
        assert not ear.wait(0)


def test_the_same_document_again_is_heard_but_not_written(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))
    before = (mailbox.state_folder / "document.json").stat()
    with mailbox.open_listener() as ear:
        mailbox.store(document(1))

        assert ear.wait(SOON)
        assert not ear.newer_than(document(1).token)
    assert (mailbox.state_folder / "document.json").stat().st_ino == before.st_ino


def collected(mailbox: DocumentInbox, number: int) -> bytes:
    """The list of files that os-collect-config gives its command."""
    file = mailbox.state_folder.parent / "cfn.json"
    file.write_text(json.dumps(document(number).document))
    return os.fsencode(f"/nowhere/ec2.json:{file}")


def test_a_bell_that_names_the_files_is_heard_before_the_document_is_stored(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener() as ear:
        wakeup_pipe.send_wakeup(str(mailbox.run_folder), collected(mailbox, 1))

        assert ear.wait(SOON)
        early = ear.read_latest()
        mailbox.store(document(1))

        assert not ear.wait(0), "what was named has only been stored: there is nothing new to look at"
        assert early == ear.read_latest() == document(1)
        assert early is not None
        assert early.collected_at


def test_poke_rings_with_the_files_that_it_is_given_and_then_makes_room(
    mailbox: DocumentInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    monkeypatch.setattr(wakeup_pipe, "PIPE_FOLDER", str(mailbox.run_folder))
    monkeypatch.setattr(os, "nice", steps.append)
    monkeypatch.setitem(os.environ, "OS_CONFIG_FILES", os.fsdecode(collected(mailbox, 1)))
    with mailbox.open_listener() as ear:
        wakeup_pipe.send_early_wakeup()

        assert ear.wait(SOON)
        assert ear.read_latest() == document(1)
    assert steps == [wakeup_pipe.POKE_NICENESS]


def test_what_is_stored_counts_more_than_what_was_named(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))
    with mailbox.open_listener() as ear:
        wakeup_pipe.send_wakeup(str(mailbox.run_folder), collected(mailbox, 2))
        ear.wait(SOON)
        named = ear.read_latest()
        mailbox.store(document(3))

        assert ear.wait(SOON)
        assert (named, ear.read_latest()) == (document(2), document(3))


def test_files_that_cannot_be_read_leave_what_was_known(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))
    with mailbox.open_listener() as ear:
        wakeup_pipe.send_wakeup(str(mailbox.run_folder), b"/nowhere/cfn.json")

        assert not ear.wait(0)
        assert ear.read_latest() == document(1)


def test_a_copy_of_boot_time_that_is_only_left_over_is_not_heard(mailbox: DocumentInbox) -> None:
    named = collected(mailbox, 1)
    (mailbox.state_folder.parent / "cfn.json.last").write_text(json.dumps(document(1).document))
    mailbox.store(document(2))
    with mailbox.open_listener() as ear:
        wakeup_pipe.send_wakeup(str(mailbox.run_folder), named)
        ear.wait(SOON)

        assert ear.read_latest() == document(2)


def test_a_wait_ends_by_itself(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener() as ear:
        assert not ear.wait(-1)
        assert not ear.wait(0.01)
        assert ear.read_latest() is None
        assert not ear.newer_than(None)


def test_another_thread_ends_a_wait(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener() as ear:
        threading.Timer(0.01, ear.wake).start()

        assert ear.wait(SOON)


def test_a_signals_handler_ends_a_wait(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener() as ear:
        old = signal.signal(signal.SIGUSR1, lambda number, frame: ear.wake())
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGUSR1]).start()

        assert ear.wait(SOON)

        signal.signal(signal.SIGUSR1, old)


def test_the_socket_of_a_killed_agent_is_taken_over(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener(), mailbox.open_listener() as heir:
        mailbox.store(document(1))

        assert heir.wait(SOON)


def test_nobody_else_may_poke_or_read(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))
    with mailbox.open_listener():
        modes = [
            path.stat().st_mode & 0o777
            for path in (mailbox.run_folder, mailbox.run_folder / wakeup_pipe.PIPE_NAME, mailbox.state_folder)
        ]

    assert modes == [0o700, 0o600, 0o700]
    assert not (mailbox.run_folder / wakeup_pipe.PIPE_NAME).exists()


def test_where_nothing_was_handed_over_the_committed_document_counts(mailbox: DocumentInbox) -> None:
    assert mailbox.cache_folder is not None
    mailbox.cache_folder.mkdir()
    (mailbox.cache_folder / "cfn.json.last").write_text(json.dumps(document(1).document))
    (mailbox.cache_folder / "os_config_files.json").write_text('["/any/cfn.json"]')

    with mailbox.open_listener() as ear:
        assert ear.read_latest() == document(1)


def test_an_unreadable_file_leaves_what_was_known(mailbox: DocumentInbox) -> None:
    mailbox.store(document(1))
    with mailbox.open_listener() as ear:
        known = ear.read_latest()
        (mailbox.state_folder / "document.json").unlink()
        (mailbox.state_folder / "document.json").mkdir()

        assert ear.read_latest() == known


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="cannot listen at"):
        DocumentInbox(tmp_path, tmp_path / "file").open_listener()


def commit_collected(mailbox: DocumentInbox, number: int) -> None:
    """What os-collect-config leaves once its command has taken a document."""
    assert mailbox.cache_folder is not None
    mailbox.cache_folder.mkdir(exist_ok=True)
    content = json.dumps({"ReadyWaitCondition": f"http://heat.test/{number}"})
    for name in ("cfn.json", "cfn.json.last"):
        (mailbox.cache_folder / name).write_text(content)
    (mailbox.cache_folder / "os_config_files.json").write_text(
        json.dumps([str(mailbox.cache_folder / "cfn.json")])
    )


def test_the_collectors_cache_is_read_only_when_it_has_changed(mailbox: DocumentInbox) -> None:
    with mailbox.open_listener() as ear:
        nothing = ear.read_latest()
        commit_collected(mailbox, 1)
        first, again = ear.read_latest(), ear.read_latest()
        commit_collected(mailbox, 2)
        second = ear.read_latest()

        assert nothing is None
        assert first == document(1)
        assert again is first  # one that was parsed again would be another object
        assert second == document(2)
