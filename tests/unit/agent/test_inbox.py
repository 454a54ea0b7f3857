"""The inbox between `poke` and the resident agent: what is stored, and what wakes the agent."""

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

WAKEUP_TIMEOUT_S = 5.0


def build_document(number: int) -> CollectedDocument:
    return CollectedDocument.from_document(
        {"ReadyWaitCondition": f"http://heat.test/{number}"}, Path("cfn.json")
    )


@pytest.fixture
def inbox(tmp_path: Path) -> DocumentInbox:
    return DocumentInbox(tmp_path / "state", tmp_path / "run", tmp_path / "cache")


def test_a_document_without_a_listener_waits_in_its_file(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))

    with inbox.open_listener() as listener:
        assert listener.read_latest() == build_document(1)
        assert not listener.wait(0)


def test_a_newer_document_wakes_the_listener(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))
    with inbox.open_listener() as listener:
        former = listener.read_latest()
        inbox.store(build_document(2))

        assert listener.wait(WAKEUP_TIMEOUT_S)
        assert (former, listener.read_latest()) == (build_document(1), build_document(2))


def test_many_pokes_end_one_wait(inbox: DocumentInbox) -> None:
    with inbox.open_listener() as listener:
        for _ in range(2000):
            inbox.send_wakeup()

        assert listener.wait(0)
        assert not listener.wait(0)


def test_an_unchanged_document_wakes_the_listener_but_is_not_written_again(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))
    before = (inbox.state_folder / "document.json").stat()
    with inbox.open_listener() as listener:
        inbox.store(build_document(1))

        assert listener.wait(WAKEUP_TIMEOUT_S)
        assert listener.read_latest() == build_document(1)
    assert (inbox.state_folder / "document.json").stat().st_ino == before.st_ino


def write_collected_file(inbox: DocumentInbox, number: int) -> bytes:
    """The list of files that os-collect-config gives its command."""
    file = inbox.state_folder.parent / "cfn.json"
    file.write_text(json.dumps(build_document(number).document))
    return os.fsencode(f"/nowhere/ec2.json:{file}")


def test_an_early_wakeup_brings_the_document_before_it_is_stored(inbox: DocumentInbox) -> None:
    with inbox.open_listener() as listener:
        wakeup_pipe.send_wakeup(str(inbox.run_folder), write_collected_file(inbox, 1))

        assert listener.wait(WAKEUP_TIMEOUT_S)
        early = listener.read_latest()
        inbox.store(build_document(1))

        assert not listener.wait(0), "what was named has only been stored: there is nothing new to look at"
        assert early == listener.read_latest() == build_document(1)
        assert early is not None
        assert early.collected_at


def test_poke_sends_the_list_of_files_and_lowers_its_priority(
    tmp_path: Path, inbox: DocumentInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    niceness_steps: list[int] = []
    config = tmp_path / "guestagent.conf"
    config.write_text(f"[DEFAULT]\nrun = {inbox.run_folder}\n")
    monkeypatch.setenv("OS_CONFIG_FILES", os.fsdecode(write_collected_file(inbox, 1)))
    with inbox.open_listener() as listener:
        wakeup_pipe.send_early_wakeup(str(config), niceness_steps.append)

        assert listener.wait(WAKEUP_TIMEOUT_S)
        assert listener.read_latest() == build_document(1)
    assert niceness_steps == [wakeup_pipe.POKE_NICENESS]


def test_a_stored_document_replaces_an_announced_one(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))
    with inbox.open_listener() as listener:
        wakeup_pipe.send_wakeup(str(inbox.run_folder), write_collected_file(inbox, 2))
        listener.wait(WAKEUP_TIMEOUT_S)
        named = listener.read_latest()
        inbox.store(build_document(3))

        assert listener.wait(WAKEUP_TIMEOUT_S)
        assert (named, listener.read_latest()) == (build_document(2), build_document(3))


def test_unreadable_announced_files_leave_the_former_document(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))
    with inbox.open_listener() as listener:
        wakeup_pipe.send_wakeup(str(inbox.run_folder), b"/nowhere/cfn.json")

        assert not listener.wait(0)
        assert listener.read_latest() == build_document(1)


def test_an_outdated_copy_of_boot_time_is_no_news(inbox: DocumentInbox) -> None:
    named = write_collected_file(inbox, 1)
    (inbox.state_folder.parent / "cfn.json.last").write_text(json.dumps(build_document(1).document))
    inbox.store(build_document(2))
    with inbox.open_listener() as listener:
        wakeup_pipe.send_wakeup(str(inbox.run_folder), named)
        listener.wait(WAKEUP_TIMEOUT_S)

        assert listener.read_latest() == build_document(2)


def test_a_wait_ends_by_itself(inbox: DocumentInbox) -> None:
    with inbox.open_listener() as listener:
        assert not listener.wait(-1)
        assert not listener.wait(0.01)
        assert listener.read_latest() is None


def test_another_thread_ends_a_wait(inbox: DocumentInbox) -> None:
    with inbox.open_listener() as listener:
        threading.Timer(0.01, listener.wake).start()

        assert listener.wait(WAKEUP_TIMEOUT_S)


def test_a_signal_handler_ends_a_wait(inbox: DocumentInbox) -> None:
    with inbox.open_listener() as listener:
        old = signal.signal(signal.SIGUSR1, lambda number, frame: listener.wake())
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGUSR1]).start()

        assert listener.wait(WAKEUP_TIMEOUT_S)

        signal.signal(signal.SIGUSR1, old)


def test_a_new_listener_replaces_the_pipe_of_a_killed_agent(inbox: DocumentInbox) -> None:
    with inbox.open_listener(), inbox.open_listener() as heir:
        inbox.store(build_document(1))

        assert heir.wait(WAKEUP_TIMEOUT_S)


def test_other_users_can_neither_poke_nor_read(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))
    with inbox.open_listener():
        modes = [
            path.stat().st_mode & 0o777
            for path in (inbox.run_folder, inbox.run_folder / wakeup_pipe.PIPE_NAME, inbox.state_folder)
        ]

    assert modes == [0o700, 0o600, 0o700]
    assert not (inbox.run_folder / wakeup_pipe.PIPE_NAME).exists()


def test_the_committed_document_counts_while_none_is_stored(inbox: DocumentInbox) -> None:
    assert inbox.cache_folder is not None
    inbox.cache_folder.mkdir()
    (inbox.cache_folder / "cfn.json.last").write_text(json.dumps(build_document(1).document))
    (inbox.cache_folder / "os_config_files.json").write_text('["/any/cfn.json"]')

    with inbox.open_listener() as listener:
        assert listener.read_latest() == build_document(1)


def test_an_unreadable_file_leaves_the_former_document(inbox: DocumentInbox) -> None:
    inbox.store(build_document(1))
    with inbox.open_listener() as listener:
        known = listener.read_latest()
        (inbox.state_folder / "document.json").unlink()
        (inbox.state_folder / "document.json").mkdir()

        assert listener.read_latest() == known


def test_a_folder_that_cannot_be_created_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="cannot listen at"):
        DocumentInbox(tmp_path, tmp_path / "file").open_listener()


def commit_collected(inbox: DocumentInbox, number: int) -> None:
    """Leave the files that os-collect-config leaves when its command has accepted a document."""
    assert inbox.cache_folder is not None
    inbox.cache_folder.mkdir(exist_ok=True)
    content = json.dumps({"ReadyWaitCondition": f"http://heat.test/{number}"})
    for name in ("cfn.json", "cfn.json.last"):
        (inbox.cache_folder / name).write_text(content)
    (inbox.cache_folder / "os_config_files.json").write_text(
        json.dumps([str(inbox.cache_folder / "cfn.json")])
    )


def test_the_collectors_cache_is_read_only_when_it_has_changed(inbox: DocumentInbox) -> None:
    with inbox.open_listener() as listener:
        nothing = listener.read_latest()
        commit_collected(inbox, 1)
        first, again = listener.read_latest(), listener.read_latest()
        commit_collected(inbox, 2)
        second = listener.read_latest()

        assert nothing is None
        assert first == build_document(1)
        assert again is first  # one that was parsed again would be another object
        assert second == build_document(2)
