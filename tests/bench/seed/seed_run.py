"""One run, of a seed or of its floor, with what it took and what it cost."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.seed.bench_source import BenchSource, run_stall_writer

SAMPLE_INTERVAL_S = 0.2
WARM_UP_S = 0.5
RUN_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a contestant knows about its run. `seconds` of the transfer alone, `data_bytes` of before a compression.

    `source_cpu_s` and `replica_cpu_s`: of its processes on either side, without those of the database servers.
    """

    seconds: float
    data_bytes: int
    source_cpu_s: float
    replica_cpu_s: float
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeedRun:
    """A run as it was measured. Processor seconds are those of a whole side: of the programs and of the server."""

    total_s: float
    transfer_s: float
    data_bytes: int
    wire_bytes: int
    stall_s: float
    source_cpu_s: float
    replica_cpu_s: float
    phases: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Bytes of data in a second of the transfer."""
        return self.data_bytes / self.transfer_s


def measure_run(source: BenchSource, replica: Path | None, transfer: Callable[[], Transfer]) -> SeedRun:
    """Measure a run under the writer. `replica` is the folder of the replica's server, if it has one."""
    source.forget_cache()
    with (
        run_stall_writer(source.server) as writer,
        sample_server(source.server.folder) as source_server,
        sample_server(replica) as replica_server,
    ):
        time.sleep(WARM_UP_S)
        wire_bytes, started = source.link.count_bytes(), time.monotonic()
        result = transfer()
        total = time.monotonic() - started
        wire_bytes = source.link.count_bytes() - wire_bytes
    return SeedRun(
        total_s=total,
        transfer_s=result.seconds,
        data_bytes=result.data_bytes,
        wire_bytes=wire_bytes,
        stall_s=writer.longest_stall_s,
        source_cpu_s=result.source_cpu_s + source_server.seconds,
        replica_cpu_s=result.replica_cpu_s + replica_server.seconds,
        phases=result.phases,
    )


def read_children_cpu() -> float:
    """Return the processor seconds of the child processes that have ended, and of their own."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def read_process_cpu(pid: int) -> float:
    """Return the processor seconds of a process, and of its children that have ended. 0 if it is gone."""
    try:
        return sum(psutil.Process(pid).cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


class ServerCpu:
    """Processor seconds of a server since the beginning. It may restart, as another process, meanwhile."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._is_ended = threading.Event()
        self._latest: dict[int, float] = {}
        self._before = 0.0
        self.sample()
        self._before = sum(self._latest.values())

    @property
    def seconds(self) -> float:
        return sum(self._latest.values()) - self._before

    def sample(self) -> None:
        """Read the counter of the present process. One that is gone keeps its last value."""
        try:
            pid = int((self._folder / "pid").read_text()) if self._folder else 0
        except (FileNotFoundError, ValueError):
            return
        if pid and (seconds := read_process_cpu(pid)):
            self._latest[pid] = seconds

    def watch(self) -> None:
        while not self._is_ended.wait(SAMPLE_INTERVAL_S):
            self.sample()
        self.sample()

    def end(self) -> None:
        self._is_ended.set()


@contextmanager
def sample_server(folder: Path | None) -> Iterator[ServerCpu]:
    """Count the processor seconds of a server during the block."""
    counter = ServerCpu(folder)
    thread = threading.Thread(target=counter.watch)
    thread.start()
    try:
        yield counter
    finally:
        counter.end()
        thread.join()
