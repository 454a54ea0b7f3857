"""The thread that sends signals."""

from __future__ import annotations

from pathlib import Path

from guestagent.agent.signalling import SignalThread
from guestagent.metadata import parse
from guestagent.metadata.document import Handle
from guestagent.retry import SystemClock
from guestagent.signal import FakeHandle, Sender, SignalOutcome, SignalStatus, Spool, SpoolEntry
from tests.support.agent_thread import SOURCE, TIMEOUT_S
from tests.support.polling import wait_until


def test_a_bug_in_signalling_does_not_stop_later_signals(tmp_path: Path) -> None:
    connections: list[FakeHandle] = []

    def connect(handle: Handle) -> FakeHandle:
        connections.append(FakeHandle())
        if len(connections) == 1:
            raise ZeroDivisionError
        return connections[-1]

    messages: list[str] = []
    thread = SignalThread(
        Sender(Spool(tmp_path), SystemClock(), connect=connect), messages.append, retry_interval=0.01
    )
    thread.start()
    thread.submit(SpoolEntry(parse(SOURCE).handle, "node-1", SignalOutcome(SignalStatus.SUCCESS, "ready")))

    wait_until(lambda: len(connections) == 2 and bool(connections[1].received), TIMEOUT_S)
    thread.stop()

    assert "a bug of guestagent: ZeroDivisionError at" in messages[0]


def test_the_signal_thread_does_not_send_what_an_earlier_process_left_in_the_spool(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()
    entry = SpoolEntry(parse(SOURCE).handle, "node-1", SignalOutcome(SignalStatus.SUCCESS, "ready"))
    spool.put_entry(entry)
    thread = SignalThread(Sender(spool, SystemClock(), connect=handle.connect), lambda message: None)

    thread.start()
    thread.stop()

    assert (handle.attempts, spool.read_pending()) == (0, entry)
