"""The spool after a kill at each line of a write."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from guestagent.signal import SignalTransport, Spool
from guestagent.signal.record import DeliveryRecord, SignalRecord
from tests.support.signal_handles import build_entry, build_failure, build_success
from tests.support.signal_spools import AT, NEWER, OLDER, open_spool

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
def test_a_kill_during_a_put_leaves_the_old_or_the_new_record(tmp_path: Path) -> None:
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
def test_a_kill_while_a_delivery_is_recorded_leaves_the_outcome_pending_or_accepted(tmp_path: Path) -> None:
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
