"""Load on the fake Heat: its memory for many stacks, and the signals per second that it accepts over HTTP."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil
import requests
from openstack.connection import Connection as Cloud

from guestagent.embedded import serving
from tests.contract.guest import BODY
from tests.contract.templates import cfn, condition, handle, ref

CLIENT_COUNT = 4
TEMPLATE = cfn({"H": ref("H")}, H=handle(), W=condition())


@dataclass(frozen=True, slots=True)
class Load:
    """`signals` were accepted in `seconds`; `before` and `after` are the resident memory of the server in bytes."""

    stacks: int
    signals: int
    seconds: float
    before: int
    after: int

    @property
    def rate(self) -> float:
        return self.signals / self.seconds

    @property
    def bytes_per_stack(self) -> float:
        return (self.after - self.before) / self.stacks


def measure_load(stacks: int) -> Load:
    """Create stacks with a handle and a condition each, and signal SUCCESS to each handle with several clients."""
    with start_heat_process() as (connect, memory), ThreadPoolExecutor(CLIENT_COUNT) as clients:
        heat = Cloud(**connect).orchestration
        before = memory().rss
        for number in range(stacks):
            body = {"stack_name": f"s{number}", "template": TEMPLATE}
            assert heat.post("/stacks", json=body).status_code == 201
        rows = heat.get("/stacks").json()["stacks"]
        urls = [read_handle_url(heat, row) for row in rows]
        after = memory().rss
        started = time.monotonic()
        codes = set(clients.map(put_signal, urls))
        seconds = time.monotonic() - started
        assert codes == {200}
        states = {row["stack_status"] for row in heat.get("/stacks").json()["stacks"]}
        assert states <= {"CREATE_COMPLETE", "CREATE_IN_PROGRESS"}
        return Load(stacks, len(urls), seconds, before, after)


def read_handle_url(heat: Any, row: dict[str, Any]) -> str:
    path = f"/stacks/{row['stack_name']}/{row['id']}/outputs/H"
    while not (url := str(heat.get(path).json()["output"]["output_value"])).startswith("http"):
        pass  # before the handle is there its Ref is its name
    return url


_local = threading.local()


def put_signal(url: str) -> int:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    answer: requests.Response = _local.session.put(url, data=json.dumps(BODY), timeout=30)
    return answer.status_code


@contextmanager
def start_heat_process() -> Iterator[tuple[dict[str, Any], Any]]:
    """Run a fake Heat in its own process."""
    parent_end, child_end = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve_heat, args=(child_end,), daemon=True)
    process.start()
    try:
        connect = parent_end.recv()
        yield connect, psutil.Process(process.pid).memory_info
    finally:
        parent_end.send("that will do")
        process.join(30)


def serve_heat(line: Connection) -> None:
    with serving() as cloud:
        line.send(cloud.connect)
        line.recv()
