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
from guestagent.signal import Entry, Kind, Spool
from guestagent.signal.spool import FILE, Record, Said
from tests.unit.signal.handles import (
    ANOTHER_KEY,
    HIDDEN,
    URL,
    account,
    bearer,
    entry,
    failure,
    hot,
    minutes_later,
    success,
)

OLDER, NEWER = URL.replace("Handle", "Handle1"), URL.replace("Handle", "Handle2")
AT = "2026-11-23T18:05:00+00:00"


def spool(folder: Path) -> Spool:
    return Spool(folder, today=lambda: minutes_later(5))


def test_an_empty_spool_knows_nothing(tmp_path: Path) -> None:
    assert spool(tmp_path / "missing").record() is None
    assert spool(tmp_path / "missing").pending() is None


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    for said in (entry(failure("why", lag=None)), Entry(hot(alarm_url=URL), "node-1", success())):
        spool(tmp_path).put(said)

        assert spool(tmp_path).pending() == said


@pytest.mark.parametrize(
    ("handle", "by"),
    [(account(), Kind.HEAT), (bearer(), Kind.TOKEN), (hot(alarm_url=URL), Kind.CFN), (hot(), None)],
)
def test_the_transport_is_remembered_and_nothing_else_of_the_handle(
    tmp_path: Path, handle: HotHandle, by: Kind | None
) -> None:
    said = Entry(handle, "node-1", success())
    spool(tmp_path).put(said)
    spool(tmp_path).accept(said)

    record = spool(tmp_path).record()

    assert record == Record(said.key, accepted=Said(success(), AT, by=by), resource=said.resource_key)
    assert HIDDEN not in (tmp_path / FILE).read_text()


def test_a_spool_of_the_first_version_was_of_a_handle_that_confirms(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))
    spool(tmp_path).accept(entry(success()))
    content = json.loads((tmp_path / FILE).read_text())
    del content["accepted"]["by"]
    (tmp_path / FILE).write_text(json.dumps(content))

    record = spool(tmp_path).record()

    assert record is not None
    assert record.accepted == Said(success(), AT)
    assert record.accepted.confirmed


def test_a_newer_outcome_of_the_same_handle_replaces_the_older(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(failure()))
    spool(tmp_path).put(entry(success()))

    assert spool(tmp_path).pending() == entry(success())


def test_all_about_an_older_handle_goes_when_a_newer_one_is_spooled(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(failure(), OLDER))
    spool(tmp_path).accept(entry(failure(), OLDER))
    spool(tmp_path).put(entry(success(), OLDER))

    spool(tmp_path).put(entry(success(), NEWER))

    newer = entry(success(), NEWER)
    assert spool(tmp_path).record() == Record(newer.key, newer, resource=newer.resource_key)
    assert spool(tmp_path).accepted(entry(success(), OLDER)) is None


def test_an_accepted_failure_is_remembered_while_the_success_after_it_is_pending(tmp_path: Path) -> None:
    failed = entry(failure())
    spool(tmp_path).put(failed)
    spool(tmp_path).accept(failed)

    spool(tmp_path).put(entry(success()))

    assert spool(tmp_path).record() == Record(
        failed.key, entry(success()), Said(failure(), AT, by=Kind.CFN), resource=failed.resource_key
    )


def test_what_a_handle_has_accepted_is_known_under_new_credentials_too(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))
    spool(tmp_path).accept(entry(success()))

    assert spool(tmp_path).accepted(entry(success(), ANOTHER_KEY)) == success()
    assert spool(tmp_path).accepted(entry(success(), ANOTHER_KEY, "node-2")) is None


def test_what_was_given_up_may_be_taken_with_new_credentials(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))
    spool(tmp_path).give_up(entry(success()), "403")

    assert spool(tmp_path).given_up(entry(success())) is not None
    assert spool(tmp_path).given_up(entry(success(), ANOTHER_KEY)) is None


def test_an_acceptance_under_old_credentials_counts_while_the_same_is_pending_under_new_ones(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))
    spool(tmp_path).put(entry(success(), ANOTHER_KEY))

    spool(tmp_path).accept(entry(success()))
    spool(tmp_path).discard(entry(success(), ANOTHER_KEY))

    assert spool(tmp_path).pending() is None
    assert spool(tmp_path).accepted(entry(success(), ANOTHER_KEY)) == success()


def test_a_spool_of_a_version_that_kept_no_resource_knows_its_handle_by_its_credentials(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))
    spool(tmp_path).accept(entry(success()))
    content = json.loads((tmp_path / FILE).read_text())
    del content["resource"]
    (tmp_path / FILE).write_text(json.dumps(content))

    assert spool(tmp_path).accepted(entry(success())) == success()
    assert spool(tmp_path).accepted(entry(success(), ANOTHER_KEY)) is None


def test_an_answer_to_the_older_outcome_does_not_drop_the_newer_one(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))

    spool(tmp_path).accept(entry(failure()))

    assert spool(tmp_path).pending() == entry(success())


def test_an_answer_for_an_older_handle_changes_nothing(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success(), NEWER))
    before = spool(tmp_path).record()

    spool(tmp_path).accept(entry(success(), OLDER))

    assert spool(tmp_path).record() == before


def test_an_outcome_that_had_to_be_fitted_is_settled_all_the_same(tmp_path: Path) -> None:
    said = entry(success("ready", seconds=(1, 2), gtid="g" * 20_000, lag=float("inf")))
    spool(tmp_path).put(said)

    spool(tmp_path).accept(said)

    assert spool(tmp_path).pending() is None


def test_once_settled_the_file_holds_no_secret(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(success()))
    assert HIDDEN in (tmp_path / FILE).read_text()

    spool(tmp_path).accept(entry(success()))

    assert HIDDEN not in "".join(path.name + path.read_text() for path in tmp_path.iterdir())


def test_files_are_for_root_alone(tmp_path: Path) -> None:
    spool(tmp_path / "spool").put(entry(success()))

    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"version": 2}', b'{"version": 1}', b"\xff"]
)
def test_a_foreign_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    assert spool(tmp_path).record() is None


def test_where_nothing_can_be_written_the_old_record_stays(tmp_path: Path) -> None:
    spool(tmp_path).put(entry(failure()))
    (tmp_path / f".{FILE}.draft").mkdir()

    with pytest.raises(StorageError):
        spool(tmp_path).put(entry(success()))

    assert spool(tmp_path).pending() == entry(failure())


# The child runs nothing but the action: threads of the test runner do not matter to it.
FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def killed(action: Callable[[], None], at: int) -> bool:
    """Run `action` in a child that is killed (-9) before the line that it comes to as number `at`."""
    child = os.fork()
    if child == 0:
        left = at

        def count(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.endswith(("durable.py", "spool.py")):
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
) -> list[Record | None]:
    """What the next process finds after a death before every line of `action`, and after none."""
    found: list[Record | None] = []
    for at in range(1000):
        own = folder / str(at)
        prepare(spool(own))
        died = killed(lambda own=own: action(spool(own)), at)  # type: ignore[misc]
        found.append(spool(own).record())
        if not died:
            return found
    raise AssertionError("the action never ends")


@FORKS
def test_a_death_while_putting_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    old, new = (
        Record(each.key, each, resource=each.resource_key)
        for each in (entry(failure(), OLDER), entry(success(), NEWER))
    )

    found = every_cut(
        tmp_path, lambda s: s.put(entry(failure(), OLDER)), lambda s: s.put(entry(success(), NEWER))
    )

    assert len(found) > 30
    assert set(map(str, found)) == {str(old), str(new)}
    assert found[-1] == new


@FORKS
def test_a_death_while_accepting_leaves_it_pending_or_accepted(tmp_path: Path) -> None:
    ready = entry(success())
    pending = Record(ready.key, ready, resource=ready.resource_key)
    accepted = Record(ready.key, accepted=Said(success(), AT, by=Kind.CFN), resource=ready.resource_key)

    found = every_cut(tmp_path, lambda s: s.put(entry(success())), lambda s: s.accept(entry(success())))

    assert len(found) > 30
    assert all(record in (pending, accepted) for record in found)
    assert found[-1] == accepted
