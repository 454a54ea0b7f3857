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
from guestagent.signal.spool import SPOOL_FILE, DeliveryRecord, SignalRecord
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


def spool(folder: Path) -> Spool:
    return Spool(folder, today=lambda: add_minutes(5))


def test_an_empty_spool_knows_nothing(tmp_path: Path) -> None:
    assert spool(tmp_path / "missing").read_record() is None
    assert spool(tmp_path / "missing").read_pending() is None


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    for said in (
        build_entry(build_failure("why", lag=None)),
        SpoolEntry(build_hot_handle(alarm_url=URL), "node-1", build_success()),
    ):
        spool(tmp_path).put_entry(said)

        assert spool(tmp_path).read_pending() == said


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
    said = SpoolEntry(handle, "node-1", build_success())
    spool(tmp_path).put_entry(said)
    spool(tmp_path).mark_accepted(said)

    record = spool(tmp_path).read_record()

    assert record == SignalRecord(
        said.key, accepted=DeliveryRecord(build_success(), AT, transport=by), resource=said.resource_key
    )
    assert SIGNATURE not in (tmp_path / SPOOL_FILE).read_text()


def test_a_spool_of_the_first_version_was_of_a_handle_that_confirms(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))
    spool(tmp_path).mark_accepted(build_entry(build_success()))
    content = json.loads((tmp_path / SPOOL_FILE).read_text())
    del content["accepted"]["by"]
    (tmp_path / SPOOL_FILE).write_text(json.dumps(content))

    record = spool(tmp_path).read_record()

    assert record is not None
    assert record.accepted == DeliveryRecord(build_success(), AT)
    assert record.accepted.is_confirmed


def test_a_newer_outcome_of_the_same_handle_replaces_the_older(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_failure()))
    spool(tmp_path).put_entry(build_entry(build_success()))

    assert spool(tmp_path).read_pending() == build_entry(build_success())


def test_all_about_an_older_handle_goes_when_a_newer_one_is_spooled(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_failure(), OLDER))
    spool(tmp_path).mark_accepted(build_entry(build_failure(), OLDER))
    spool(tmp_path).put_entry(build_entry(build_success(), OLDER))

    spool(tmp_path).put_entry(build_entry(build_success(), NEWER))

    newer = build_entry(build_success(), NEWER)
    assert spool(tmp_path).read_record() == SignalRecord(newer.key, newer, resource=newer.resource_key)
    assert spool(tmp_path).find_accepted_outcome(build_entry(build_success(), OLDER)) is None


def test_an_accepted_failure_is_remembered_while_the_success_after_it_is_pending(tmp_path: Path) -> None:
    failed = build_entry(build_failure())
    spool(tmp_path).put_entry(failed)
    spool(tmp_path).mark_accepted(failed)

    spool(tmp_path).put_entry(build_entry(build_success()))

    assert spool(tmp_path).read_record() == SignalRecord(
        failed.key,
        build_entry(build_success()),
        DeliveryRecord(build_failure(), AT, transport=SignalTransport.CFN),
        resource=failed.resource_key,
    )


def test_what_a_handle_has_accepted_is_known_under_new_credentials_too(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))
    spool(tmp_path).mark_accepted(build_entry(build_success()))

    assert spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY)) == build_success()
    assert spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY, "node-2")) is None


def test_what_was_given_up_may_be_taken_with_new_credentials(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))
    spool(tmp_path).mark_given_up(build_entry(build_success()), "403")

    assert spool(tmp_path).given_up(build_entry(build_success())) is not None
    assert spool(tmp_path).given_up(build_entry(build_success(), ANOTHER_KEY)) is None


def test_an_acceptance_under_old_credentials_counts_while_the_same_is_pending_under_new_ones(
    tmp_path: Path,
) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))
    spool(tmp_path).put_entry(build_entry(build_success(), ANOTHER_KEY))

    spool(tmp_path).mark_accepted(build_entry(build_success()))
    spool(tmp_path).discard_entry(build_entry(build_success(), ANOTHER_KEY))

    assert spool(tmp_path).read_pending() is None
    assert spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY)) == build_success()


def test_a_spool_of_a_version_that_kept_no_resource_knows_its_handle_by_its_credentials(
    tmp_path: Path,
) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))
    spool(tmp_path).mark_accepted(build_entry(build_success()))
    content = json.loads((tmp_path / SPOOL_FILE).read_text())
    del content["resource"]
    (tmp_path / SPOOL_FILE).write_text(json.dumps(content))

    assert spool(tmp_path).find_accepted_outcome(build_entry(build_success())) == build_success()
    assert spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY)) is None


def test_an_answer_to_the_older_outcome_does_not_drop_the_newer_one(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))

    spool(tmp_path).mark_accepted(build_entry(build_failure()))

    assert spool(tmp_path).read_pending() == build_entry(build_success())


def test_an_answer_for_an_older_handle_changes_nothing(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_success(), NEWER))
    before = spool(tmp_path).read_record()

    spool(tmp_path).mark_accepted(build_entry(build_success(), OLDER))

    assert spool(tmp_path).read_record() == before


def test_an_outcome_that_had_to_be_fitted_is_settled_all_the_same(tmp_path: Path) -> None:
    said = build_entry(build_success("ready", seconds=(1, 2), gtid="g" * 20_000, lag=float("inf")))
    spool(tmp_path).put_entry(said)

    spool(tmp_path).mark_accepted(said)

    assert spool(tmp_path).read_pending() is None


def test_once_settled_the_file_holds_no_secret(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_success()))
    assert SIGNATURE in (tmp_path / SPOOL_FILE).read_text()

    spool(tmp_path).mark_accepted(build_entry(build_success()))

    assert SIGNATURE not in "".join(path.name + path.read_text() for path in tmp_path.iterdir())


def test_files_are_for_root_alone(tmp_path: Path) -> None:
    spool(tmp_path / "spool").put_entry(build_entry(build_success()))

    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / SPOOL_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"version": 2}', b'{"version": 1}', b"\xff"]
)
def test_a_foreign_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SPOOL_FILE).write_bytes(content)

    assert spool(tmp_path).read_record() is None


def test_where_nothing_can_be_written_the_old_record_stays(tmp_path: Path) -> None:
    spool(tmp_path).put_entry(build_entry(build_failure()))
    (tmp_path / f".{SPOOL_FILE}.draft").mkdir()

    with pytest.raises(StorageError):
        spool(tmp_path).put_entry(build_entry(build_success()))

    assert spool(tmp_path).read_pending() == build_entry(build_failure())


# The child runs nothing but the action: threads of the test runner do not matter to it.
FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def killed(action: Callable[[], None], at: int) -> bool:
    """Run `action` in a child that is killed (-9) before the line that it comes to as number `at`."""
    child = os.fork()
    if child == 0:
        left = at

        def count(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.endswith(("atomic_file.py", "spool.py")):
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        action()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def every_cut(
    folder: Path, prepare: Callable[[Spool], None], action: Callable[[Spool], None]
) -> list[SignalRecord | None]:
    """What the next process finds after a death before every line of `action`, and after none."""
    found: list[SignalRecord | None] = []
    for at in range(1000):
        own = folder / str(at)
        prepare(spool(own))
        died = killed(lambda own=own: action(spool(own)), at)  # type: ignore[misc]
        found.append(spool(own).read_record())
        if not died:
            return found
    raise AssertionError("the action never ends")


@FORKS
def test_a_death_while_putting_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    old, new = (
        SignalRecord(each.key, each, resource=each.resource_key)
        for each in (build_entry(build_failure(), OLDER), build_entry(build_success(), NEWER))
    )

    found = every_cut(
        tmp_path,
        lambda s: s.put_entry(build_entry(build_failure(), OLDER)),
        lambda s: s.put_entry(build_entry(build_success(), NEWER)),
    )

    assert len(found) > 30
    assert set(map(str, found)) == {str(old), str(new)}
    assert found[-1] == new


@FORKS
def test_a_death_while_accepting_leaves_it_pending_or_accepted(tmp_path: Path) -> None:
    ready = build_entry(build_success())
    pending = SignalRecord(ready.key, ready, resource=ready.resource_key)
    accepted = SignalRecord(
        ready.key,
        accepted=DeliveryRecord(build_success(), AT, transport=SignalTransport.CFN),
        resource=ready.resource_key,
    )

    found = every_cut(
        tmp_path,
        lambda s: s.put_entry(build_entry(build_success())),
        lambda s: s.mark_accepted(build_entry(build_success())),
    )

    assert len(found) > 30
    assert all(record in (pending, accepted) for record in found)
    assert found[-1] == accepted
