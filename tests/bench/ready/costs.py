"""Costs of the agent: memory of the resident one, and processor time of passes without changes."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tests.bench.ready.bench_nodes import (
    REPLICA,
    SOURCE,
    SUCCESS_TIMEOUT_S,
    BenchNode,
    BenchPair,
    insert_rows,
)
from tests.bench.ready.contestants import (
    APPLY,
    CONTESTANTS,
    BenchCommand,
    build_query_command,
    read_cpu_seconds,
    start_resident_agent,
    wait_until_idle,
)

LIBRARIES = "import psutil, pymysql, requests, yaml"
RESIDENT_SIZE = (
    "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"
)
IMPORTED = "Python with the libraries that a guest has"
STATUS = "SHOW REPLICA STATUS"
LOOK_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """The agent's cost (`ours`) and the compared one (`theirs`), medians in `unit`."""

    flavour: str
    what: str
    ours: float
    beside: str
    theirs: float
    unit: str


def measure_costs(stage: BenchPair, repetitions: int, watched: float) -> list[Cost]:
    """Measure on a replica, which has the most checks. Its drift checks are counted for `watched` seconds."""
    name = stage.flavour.name
    with stage.open_nodes() as places:
        make_ready(stage, places)
        replica = places[REPLICA]
        with CONTESTANTS[APPLY](replica) as command:
            passes = median(measure_cpu_ms(command.run) for _ in range(repetitions))
        scripts = median(measure_cpu_ms(build_query_command(replica, STATUS).run) for _ in range(repetitions))
        imports = median(measure_cpu_ms(measure_import_memory) for _ in range(repetitions))
        config = replica.folder / "guestagent.conf"
        config.write_text(f"[DEFAULT]\ninterval = {LOOK_INTERVAL_S}\n")
        with start_resident_agent(replica, "--config", str(config)) as agent:
            agent.run()
            look = measure_look(replica, agent, watched)
    with stage.open_nodes() as places:
        idle, busy = measure_memory(stage, places[SOURCE])
    libraries = measure_import_memory()
    return [
        Cost(name, "memory of `serve`, no document yet", idle, IMPORTED, libraries, "MiB"),
        Cost(name, "memory of `serve`, after SUCCESS", busy, IMPORTED, libraries, "MiB"),
        Cost(name, "processor, `apply` with nothing to do", passes, IMPORTED, imports, "ms"),
        Cost(
            name, "processor, one look of `serve` for drift", look, f"the client, `{STATUS}`", scripts, "ms"
        ),
    ]


def make_ready(stage: BenchPair, places: dict[str, BenchNode]) -> None:
    """Make both nodes ready with `apply`."""
    for role, place in places.items():
        with CONTESTANTS[APPLY](place) as command:
            command.run()
        assert stage.wait_for_success(role, time.monotonic() + SUCCESS_TIMEOUT_S) is not None
        if role == SOURCE:
            insert_rows(place)


def measure_cpu_ms(action: Callable[[], object]) -> float:
    """Return the processor milliseconds of the processes that `action` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure_import_memory() -> float:
    """Return the resident MiB of a process that has imported the libraries."""
    code = f"{LIBRARIES}\n{RESIDENT_SIZE}"
    return int(subprocess.run((sys.executable, "-c", code), check=True, capture_output=True).stdout) / 2**20


def measure_look(replica: BenchNode, command: BenchCommand, watched: float) -> float:
    """Return the milliseconds of a drift check. Each is one login to the replica, so that the server counts them."""
    assert command.agent is not None
    before, used = count_logins(replica), read_cpu_seconds(command.agent)
    time.sleep(watched)
    used, after = read_cpu_seconds(command.agent) - used, count_logins(replica)
    return 1000 * used / (after - before - 1)


def count_logins(place: BenchNode) -> int:
    return int(str(place.server.execute("SHOW GLOBAL STATUS LIKE 'Connections'")[0]["Value"]))


def measure_memory(stage: BenchPair, place: BenchNode) -> tuple[float, float]:
    """Return the resident MiB without a document, and after SUCCESS."""
    with start_resident_agent(place) as command:
        assert command.agent is not None
        idle = command.agent.memory_info().rss
        command.run()
        assert stage.wait_for_success(place.role, time.monotonic() + SUCCESS_TIMEOUT_S) is not None
        wait_until_idle(command.agent, place)
        return idle / 2**20, command.agent.memory_info().rss / 2**20
