"""The contestants that make a server ready: a script, the resident agent, and an agent started for this pass.

Each is a command to begin at a moment's notice; what may be done before the document is there, is done before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from tests.bench.ready.bench_nodes import BenchNode
from tests.support.database_servers import provide_server_root

SCRIPT, RESIDENT, ENCRYPTED, APPLY = "script", "resident", "encrypted", "apply"
PROGRAM = Path(sys.executable).with_name("guestagent")
HERE = Path(__file__).parent
LINKER = "usr/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
PLAIN = {"mariadb": "--skip-ssl", "mysql": "--ssl-mode=DISABLED"}
IDLE_INTERVAL_S = 0.3
COMMAND_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class BenchCommand:
    """A command, and the resident process to which it delivers the document, if there is one."""

    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    agent: psutil.Process | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.argv,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def run(self) -> None:
        process = self.start()
        assert process.wait(COMMAND_TIMEOUT_S) == 0, self.read_log()

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


@contextmanager
def prepare_script(place: BenchNode) -> Iterator[BenchCommand]:
    script = HERE / f"by_hand_{place.server.flavour.family}.sh"
    environment = {"client": " ".join(build_client_argv(place)), "socket": place.server.socket}
    argv = (*place.command_prefix, "sh", str(script), place.role, str(write_document(place)))
    yield BenchCommand(argv, place.folder / "log", environment)


def build_query_command(place: BenchNode, statement: str) -> BenchCommand:
    """Build a query with the client of the flavour over the socket."""
    words = ("--no-defaults", f"--socket={place.server.socket}", "--user=root", f"--execute={statement}")
    return BenchCommand(
        (*place.command_prefix, *build_client_argv(place), *words, PLAIN[place.server.flavour.family]),
        place.folder / "log",
    )


def build_client_argv(place: BenchNode) -> tuple[str, ...]:
    """Return the client's argv with its own libraries, without the mounts of `command_prefix`, which cost more."""
    root, family = provide_server_root(place.server.flavour), place.server.flavour.family
    return str(root / LINKER), "--library-path", str(root / LIBRARIES), str(root / "usr/bin" / family)


@contextmanager
def prepare_apply(place: BenchNode) -> Iterator[BenchCommand]:
    yield BenchCommand(
        build_agent_argv("apply", place, "--metadata", str(write_document(place))), place.folder / "log"
    )


@contextmanager
def start_resident_agent(place: BenchNode, *words: str, encrypted: bool = False) -> Iterator[BenchCommand]:
    """Start an agent without a document and wait until it is idle; the command of os-collect-config delivers one."""
    log = place.folder / "log"
    serving = BenchCommand(build_agent_argv("serve", place, *words), log).start()
    try:
        process = psutil.Process(serving.pid)
        wait_until_idle(process, place)
        poke = build_agent_argv("poke", place, *words)
        yield BenchCommand(poke, log, {"OS_CONFIG_FILES": str(write_document(place, encrypted))}, process)
    finally:
        serving.terminate()
        serving.wait(COMMAND_TIMEOUT_S)


def wait_until_idle(process: psutil.Process, place: BenchNode) -> None:
    """Wait until the agent has written its status and has been idle for IDLE_INTERVAL_S."""
    sign = place.folder / "guestagent" / "status.json"
    until, last_used, since = time.monotonic() + COMMAND_TIMEOUT_S, -1.0, time.monotonic()
    while not (sign.exists() and time.monotonic() - since >= IDLE_INTERVAL_S):
        assert time.monotonic() < until, "the resident agent does not come to rest"
        used = read_cpu_seconds(process)
        if used != last_used:
            last_used, since = used, time.monotonic()
        time.sleep(0.02)


def read_cpu_seconds(process: psutil.Process) -> float:
    """Return the processor seconds that the process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def build_agent_argv(command: str, place: BenchNode, *words: str) -> tuple[str, ...]:
    return (*place.command_prefix, str(PROGRAM), command, *words)


def write_document(place: BenchNode, encrypted: bool = False) -> Path:
    path = place.folder / "cfn.json"
    path.write_text(json.dumps(place.build_document(encrypted)))
    return path


CONTESTANTS: Mapping[str, Callable[[BenchNode], AbstractContextManager[BenchCommand]]] = {
    SCRIPT: prepare_script,
    RESIDENT: start_resident_agent,
    ENCRYPTED: partial(start_resident_agent, encrypted=True),
    APPLY: prepare_apply,
}
