"""Attempts to send a signal, in this process or another, whose errors must not reveal the URL."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest

from guestagent.errors import SignalError
from guestagent.metadata.document import CfnHandle
from guestagent.signal import SignalOutcome, SignalStatus
from tests.support.cfn_signal_server import SIGNATURE

READY = SignalOutcome(SignalStatus.SUCCESS, "ready", {"lag": 0})
SENDER = """
import sys
from guestagent.errors import SignalError
from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret
from guestagent.signal import build_transport
try:
    build_transport(CfnHandle(Secret(sys.stdin.read()))).send(b"{}", float(sys.argv[1]))
except SignalError as error:
    print(f"{type(error).__name__} {error}", end="")
"""


def send_in_process(handle: CfnHandle, timeout_s: float = 5, **environ: str) -> str:
    """Send in a process with this environment, which requests reads; return the error, or nothing."""
    process = subprocess.run(
        [sys.executable, "-c", SENDER, str(timeout_s)],
        input=handle.url.reveal(),
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    assert SIGNATURE not in process.stdout + process.stderr
    return process.stdout


def get_error(send: Callable[[], None]) -> SignalError:
    """Return the error of an attempt, after a check that message and traceback do not contain the signature."""
    with pytest.raises(SignalError) as raised:
        send()
    trace = "".join(traceback.format_exception(raised.value))
    assert SIGNATURE not in trace
    assert raised.value.__context__ is None
    return raised.value
