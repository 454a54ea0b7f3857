"""What it costs to have the agent there: memory of the resident one, and processor time when all is as wanted."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tests.bench.ready.contestants import APPLY, CONTESTANTS, Command, asked, cpu, resident, settle
from tests.bench.ready.stage import PATIENCE, REPLICA, SOURCE, Place, Stage, written

LIBRARIES = "import oslo_config.cfg, psutil, pymysql, requests, yaml"
RESIDENT_SIZE = "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"
IMPORTED = "Python with the libraries that a guest has"
STATUS = "SHOW REPLICA STATUS"
LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """`ours` beside `theirs`, medians, in `unit`."""

    flavour: str
    what: str
    ours: float
    beside: str
    theirs: float
    unit: str


def costs(stage: Stage, repetitions: int, watched: float) -> list[Cost]:
    """On a replica, which has the most to look at. Its looks for drift are watched for so many seconds."""
    name = stage.flavour.name
    with stage.places() as places:
        ready(stage, places)
        replica = places[REPLICA]
        with CONTESTANTS[APPLY](replica) as again:
            passes = median(spent(again.finish) for _ in range(repetitions))
        scripts = median(spent(asked(replica, STATUS).finish) for _ in range(repetitions))
        imports = median(spent(import_libraries) for _ in range(repetitions))
        config = replica.folder / "guestagent.conf"
        config.write_text(f"[DEFAULT]\ninterval = {LOOK_EVERY}\n")
        with resident(replica, "--config", str(config)) as command:
            command.finish()
            look = a_look(replica, command, watched)
    with stage.places() as places:
        idle, busy = memory(stage, places[SOURCE])
    libraries = import_libraries()
    return [
        Cost(name, "memory of `serve`, no document yet", idle, IMPORTED, libraries, "MiB"),
        Cost(name, "memory of `serve`, after SUCCESS", busy, IMPORTED, libraries, "MiB"),
        Cost(name, "processor, `apply` with nothing to do", passes, IMPORTED, imports, "ms"),
        Cost(name, "processor, one look of `serve` for drift", look, f"the client, `{STATUS}`", scripts, "ms"),
    ]


def ready(stage: Stage, places: dict[str, Place]) -> None:
    """Both, by `apply`."""
    for role, place in places.items():
        with CONTESTANTS[APPLY](place) as command:
            command.finish()
        assert stage.told(role, time.monotonic() + PATIENCE) is not None
        if role == SOURCE:
            written(place)


def spent(action: Callable[[], object]) -> float:
    """Milliseconds of processor of the processes that `action` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def import_libraries() -> float:
    """MiB that are resident after it."""
    code = f"{LIBRARIES}\n{RESIDENT_SIZE}"
    return int(subprocess.run((sys.executable, "-c", code), check=True, capture_output=True).stdout) / 2**20


def a_look(replica: Place, command: Command, watched: float) -> float:
    """Milliseconds: each look at a replica is one login to it, so the server counts them."""
    assert command.agent is not None
    before, used = logins(replica), cpu(command.agent)
    time.sleep(watched)
    used, after = cpu(command.agent) - used, logins(replica)
    return 1000 * used / (after - before - 1)


def logins(place: Place) -> int:
    return int(str(place.server.ask("SHOW GLOBAL STATUS LIKE 'Connections'")[0]["Value"]))


def memory(stage: Stage, place: Place) -> tuple[float, float]:
    """MiB that are resident before there is a document, and after its SUCCESS."""
    with resident(place) as command:
        assert command.agent is not None
        idle = command.agent.memory_info().rss
        command.finish()
        assert stage.told(place.role, time.monotonic() + PATIENCE) is not None
        settle(command.agent, place)
        return idle / 2**20, command.agent.memory_info().rss / 2**20
