from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from guestagent.errors import StorageError
from guestagent.metadata.document import HotHandle
from guestagent.signal import SignalTransport, Spool, SpoolEntry
from guestagent.signal.record import DeliveryRecord, SignalRecord
from guestagent.signal.spool import SPOOL_FILE
from tests.support.signal_handles import (
    ANOTHER_KEY,
    SIGNATURE,
    URL,
    add_minutes,
    build_account_handle,
    build_entry,
    build_failure,
    build_hot_handle,
    build_success,
    build_token_handle,
)

OLDER, NEWER = URL.replace("Handle", "Handle1"), URL.replace("Handle", "Handle2")
AT = "2026-11-23T18:05:00+00:00"


def open_spool(folder: Path) -> Spool:
    return Spool(folder, get_now=lambda: add_minutes(5))


def test_an_empty_spool_knows_nothing(tmp_path: Path) -> None:
    assert open_spool(tmp_path / "missing").read_record() is None
    assert open_spool(tmp_path / "missing").read_pending() is None


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    for entry in (
        build_entry(build_failure("why", lag=None)),
        SpoolEntry(build_hot_handle(alarm_url=URL), "node-1", build_success()),
    ):
        open_spool(tmp_path).put_entry(entry)

        assert open_spool(tmp_path).read_pending() == entry


@pytest.mark.parametrize(
    ("handle", "by"),
    [
        (build_account_handle(), SignalTransport.HEAT),
        (build_token_handle(), SignalTransport.TOKEN),
        (build_hot_handle(alarm_url=URL), SignalTransport.CFN),
        (build_hot_handle(), None),
    ],
)
def test_the_transport_is_remembered_and_nothing_else_of_the_handle(
    tmp_path: Path, handle: HotHandle, by: SignalTransport | None
) -> None:
    entry = SpoolEntry(handle, "node-1", build_success())
    open_spool(tmp_path).put_entry(entry)
    open_spool(tmp_path).mark_accepted(entry)

    record = open_spool(tmp_path).read_record()

    assert record == SignalRecord(
        entry.key, accepted=DeliveryRecord(build_success(), AT, transport=by), resource=entry.resource_key
    )
    assert SIGNATURE not in (tmp_path / SPOOL_FILE).read_text()


def test_a_spool_of_the_first_version_was_of_a_handle_that_confirms(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_accepted(build_entry(build_success()))
    content = json.loads((tmp_path / SPOOL_FILE).read_text())
    del content["accepted"]["by"]
    (tmp_path / SPOOL_FILE).write_text(json.dumps(content))

    record = open_spool(tmp_path).read_record()

    assert record is not None
    assert record.accepted == DeliveryRecord(build_success(), AT)
    assert record.accepted.is_confirmed


def test_a_newer_outcome_of_the_same_handle_replaces_the_older(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_failure()))
    open_spool(tmp_path).put_entry(build_entry(build_success()))

    assert open_spool(tmp_path).read_pending() == build_entry(build_success())


def test_all_about_an_older_handle_goes_when_a_newer_one_is_spooled(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_failure(), OLDER))
    open_spool(tmp_path).mark_accepted(build_entry(build_failure(), OLDER))
    open_spool(tmp_path).put_entry(build_entry(build_success(), OLDER))

    open_spool(tmp_path).put_entry(build_entry(build_success(), NEWER))

    newer = build_entry(build_success(), NEWER)
    assert open_spool(tmp_path).read_record() == SignalRecord(newer.key, newer, resource=newer.resource_key)
    assert open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), OLDER)) is None


def test_an_accepted_failure_is_remembered_while_the_success_after_it_is_pending(tmp_path: Path) -> None:
    failed = build_entry(build_failure())
    open_spool(tmp_path).put_entry(failed)
    open_spool(tmp_path).mark_accepted(failed)

    open_spool(tmp_path).put_entry(build_entry(build_success()))

    assert open_spool(tmp_path).read_record() == SignalRecord(
        failed.key,
        build_entry(build_success()),
        DeliveryRecord(build_failure(), AT, transport=SignalTransport.CFN),
        resource=failed.resource_key,
    )


def test_what_a_handle_has_accepted_is_known_under_new_credentials_too(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_accepted(build_entry(build_success()))

    assert (
        open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY))
        == build_success()
    )
    assert (
        open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY, "node-2"))
        is None
    )


def test_what_was_given_up_may_be_taken_with_new_credentials(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_given_up(build_entry(build_success()), "403")

    same_key, other_key = (
        open_spool(tmp_path).find_record(build_entry(build_success(), url).handle, "node-1")
        for url in (URL, ANOTHER_KEY)
    )
    assert same_key is not None
    assert other_key is not None
    assert (same_key.given_up is not None, other_key.given_up) == (True, None)


def test_an_acceptance_under_old_credentials_counts_while_the_same_is_pending_under_new_ones(
    tmp_path: Path,
) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).put_entry(build_entry(build_success(), ANOTHER_KEY))

    open_spool(tmp_path).mark_accepted(build_entry(build_success()))
    open_spool(tmp_path).discard_entry(build_entry(build_success(), ANOTHER_KEY))

    assert open_spool(tmp_path).read_pending() is None
    assert (
        open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY))
        == build_success()
    )


def test_a_spool_of_a_version_that_kept_no_resource_knows_its_handle_by_its_credentials(
    tmp_path: Path,
) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_accepted(build_entry(build_success()))
    content = json.loads((tmp_path / SPOOL_FILE).read_text())
    del content["resource"]
    (tmp_path / SPOOL_FILE).write_text(json.dumps(content))

    assert open_spool(tmp_path).find_accepted_outcome(build_entry(build_success())) == build_success()
    assert open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY)) is None


def test_an_answer_to_the_older_outcome_does_not_drop_the_newer_one(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))

    open_spool(tmp_path).mark_accepted(build_entry(build_failure()))

    assert open_spool(tmp_path).read_pending() == build_entry(build_success())


def test_an_answer_for_an_older_handle_changes_nothing(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success(), NEWER))
    before = open_spool(tmp_path).read_record()

    open_spool(tmp_path).mark_accepted(build_entry(build_success(), OLDER))

    assert open_spool(tmp_path).read_record() == before


def test_an_outcome_that_had_to_be_fitted_is_settled_all_the_same(tmp_path: Path) -> None:
    entry = build_entry(build_success("ready", seconds=(1, 2), gtid="g" * 20_000, lag=float("inf")))
    open_spool(tmp_path).put_entry(entry)

    open_spool(tmp_path).mark_accepted(entry)

    assert open_spool(tmp_path).read_pending() is None


def test_once_settled_the_file_holds_no_secret(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    assert SIGNATURE in (tmp_path / SPOOL_FILE).read_text()

    open_spool(tmp_path).mark_accepted(build_entry(build_success()))

    assert SIGNATURE not in "".join(path.name + path.read_text() for path in tmp_path.iterdir())


def test_files_are_for_root_alone(tmp_path: Path) -> None:
    open_spool(tmp_path / "spool").put_entry(build_entry(build_success()))

    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / SPOOL_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"version": 2}', b'{"version": 1}', b"\xff"]
)
def test_a_foreign_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SPOOL_FILE).write_bytes(content)

    assert open_spool(tmp_path).read_record() is None


def test_where_nothing_can_be_written_the_old_record_stays(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_failure()))
    (tmp_path / f".{SPOOL_FILE}.draft").mkdir()

    with pytest.raises(StorageError):
        open_spool(tmp_path).put_entry(build_entry(build_success()))

    assert open_spool(tmp_path).read_pending() == build_entry(build_failure())


# The child runs nothing but the action: threads of the test runner do not matter to it.
FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def kill_at_line(action: Callable[[], object], line_number: int) -> bool:
    """Run `action` in a child process that is killed before its line number `line_number`; return whether it was."""
    child = os.fork()
    if child == 0:
        remaining_lines = line_number

        def count(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal remaining_lines
            if not frame.f_code.co_filename.endswith(("atomic_file.py", "spool.py")):
                return None
            if event == "line":
                remaining_lines -= 1
                if remaining_lines < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        action()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def list_records_after_kills(
    folder: Path, prepare: Callable[[Spool], object], action: Callable[[Spool], object]
) -> list[SignalRecord | None]:
    """Return what the next process reads after a kill before each line of `action`, and after none."""
    records: list[SignalRecord | None] = []
    for line in range(1000):
        own_folder = folder / str(line)
        prepare(open_spool(own_folder))
        is_killed = kill_at_line(lambda own_folder=own_folder: action(open_spool(own_folder)), line)  # type: ignore[misc]
        records.append(open_spool(own_folder).read_record())
        if not is_killed:
            return records
    raise AssertionError("the action never ends")


@FORKS
def test_a_death_while_putting_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    old, new = (
        SignalRecord(each.key, each, resource=each.resource_key)
        for each in (build_entry(build_failure(), OLDER), build_entry(build_success(), NEWER))
    )

    records = list_records_after_kills(
        tmp_path,
        lambda s: s.put_entry(build_entry(build_failure(), OLDER)),
        lambda s: s.put_entry(build_entry(build_success(), NEWER)),
    )

    assert len(records) > 30
    assert set(map(str, records)) == {str(old), str(new)}
    assert records[-1] == new


@FORKS
def test_a_death_while_accepting_leaves_it_pending_or_accepted(tmp_path: Path) -> None:
    ready = build_entry(build_success())
    pending = SignalRecord(ready.key, ready, resource=ready.resource_key)
    accepted = SignalRecord(
        ready.key,
        accepted=DeliveryRecord(build_success(), AT, transport=SignalTransport.CFN),
        resource=ready.resource_key,
    )

    records = list_records_after_kills(
        tmp_path,
        lambda s: s.put_entry(build_entry(build_success())),
        lambda s: s.mark_accepted(build_entry(build_success())),
    )

    assert len(records) > 30
    assert all(record in (pending, accepted) for record in records)
    assert records[-1] == accepted
