"""Guests that do nothing but signal, so that a bench measures the cost of Heat alone."""

from __future__ import annotations

import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.guests.user_data import parse_user_data
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.metadata.document import CfnHandle, Handle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import SignalOutcome, SignalStatus, build_body, build_transport

READY = SignalOutcome(SignalStatus.SUCCESS, "answers at once")
SIGNAL_TIMEOUT_S = 300.0  # seconds for one request: fifty signals at once keep a Heat busy


class AnsweringHypervisor(FakeHypervisor):
    """Reads the handle from a guest's boot data, and signals SUCCESS to it as the agent would, once it has "booted".

    On a real Heat no guest may answer while another's server is still being made: Heat writes into that one's
    metadata then, and its stack may hang for ever. No virtual machine is that fast.
    """

    def __init__(self, boot_seconds: float) -> None:
        super().__init__()
        self._boot_seconds = boot_seconds
        self._answers = ThreadPoolExecutor(64, "answers")
        self._signals: list[Future[None]] = []

    def boot(self, guest: Guest) -> None:
        super().boot(guest)
        init_data = parse_user_data(guest.user_data).init_data or b"{}"
        handle = find_handle(json.loads(init_data))
        self._signals.append(self._answers.submit(self._signal, handle, guest.name))

    def _signal(self, handle: Handle, unique_id: str) -> None:
        time.sleep(self._boot_seconds)
        build_transport(handle).send(build_body(handle, unique_id, READY), SIGNAL_TIMEOUT_S)

    def close(self) -> None:
        self._answers.shutdown()
        for signal in self._signals:
            signal.result()  # an answer that was not taken spoils the measurement
        super().close()


def find_handle(document: dict[str, Any]) -> Handle:
    """Return the handle in a node's document: a URL, or the JSON document of a HOT handle."""
    handle = document["ReadyWaitCondition"]
    if isinstance(handle, str) and handle.startswith("http"):
        return CfnHandle(Secret(handle))
    return HotHandle(Secret(handle if isinstance(handle, str) else json.dumps(handle)))
