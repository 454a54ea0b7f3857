"""Password rotation under a running writer, on each flavour: no reconnecting replica is ever rejected."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.agent_guest import AgentGuest
from tests.support.journals import lose_journal
from tests.support.rotating_pair import NEW, OLD, Pair, insert_rows_meanwhile

pytestmark = pytest.mark.timeout(900)


@contextmanager
def watch_processes(*secrets: str) -> Iterator[list[str]]:
    """Collect every argument list and environment on this machine that contains a secret."""
    is_done = threading.Event()
    leaks: list[str] = []

    def watch() -> None:
        while not is_done.wait(0.3):
            for process in (each for each in Path("/proc").iterdir() if each.name.isdigit()):
                for path in (process / "cmdline", process / "environ"):
                    with suppress(OSError):
                        content = path.read_bytes()
                        leaks.extend(f"{path}" for secret in secrets if secret.encode() in content)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield leaks
    finally:
        is_done.set()
        thread.join()


def count_logged_passwords(guest: AgentGuest) -> list[int]:
    """Return how often each password is in the logs. Other tests on the same server set passwords by hand."""
    logs = guest.server.read_all_logs()
    return [logs.count(password.encode()) for password in (OLD, NEW)]


def test_a_password_is_replaced_and_no_replica_is_rejected(pair: Pair) -> None:
    logged_before = [count_logged_passwords(guest) for guest in (pair.source, pair.replica)]
    with insert_rows_meanwhile(pair.source.server), watch_processes(OLD, NEW) as leaks:
        rejected = pair.replica.apply(pair.build_replica(NEW, 2, Deadline=2))
        pair.reconnect()
        source_with_both = pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))
        pair.reconnect()
        both = pair.login(OLD), pair.login(NEW)
        replica_with_new = pair.replica.apply(pair.build_replica(NEW, 3))
        pair.reconnect()
        source_with_new = pair.source.apply(pair.build_source(NEW, 3))
        pair.reconnect()
    final = pair.replica.apply(pair.build_replica(NEW, 3))

    assert [
        report["state"] for report in (rejected, source_with_both, replica_with_new, source_with_new, final)
    ] == ["failed", *["ready"] * 4]
    assert both == (None, None)
    old = pair.login(OLD)
    assert (pair.login(NEW), old.number if old else None) == (None, 1045)
    count = "(SELECT COUNT(*) FROM d.t)"
    assert pair.replica.server.query_value(count) == pair.source.server.query_value(count) != "0"
    assert leaks == []
    assert [count_logged_passwords(guest) for guest in (pair.source, pair.replica)] == logged_before
    for guest in (pair.source, pair.replica):
        state_content = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert all(secret.encode() not in state_content for secret in (OLD, NEW))
    for row in pair.source.server.execute("SHOW FULL PROCESSLIST"):
        assert not any(secret in str(row) for secret in (OLD, NEW))


def test_a_second_pass_of_a_generation_alters_no_password(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))
    before = pair.source.server.read_position()

    report = pair.source.apply(pair.build_source(NEW, 2))

    assert report["state"] == "ready"
    assert pair.source.server.read_position() == before
    assert pair.login(OLD) is None


def test_the_passwords_are_swapped_if_a_rotation_is_reverted(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))

    report = pair.source.apply(pair.build_source(OLD, 3, RetainPasswords=True))

    assert report["state"] == "ready"
    assert (pair.login(OLD), pair.login(NEW)) == (None, None)


def test_a_third_password_replaces_the_oldest(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))

    pair.source.apply(pair.build_source("a-third", 2))

    old_login = pair.login(OLD)
    assert (pair.login("a-third"), pair.login(NEW)) == (None, None)
    assert old_login is not None


def test_a_source_that_lost_its_journal_keeps_the_old_password_through_its_generation(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))
    lose_journal(pair.source.folder / "state")

    report = pair.source.apply(pair.build_source(NEW, 3))
    accepted_before = pair.login(OLD)
    pair.source.apply(pair.build_source(NEW, 4))

    assert report["state"] == "ready"
    assert "the old password is valid too" in str(report["conditions"])
    assert accepted_before is None
    assert pair.login(OLD) is not None
