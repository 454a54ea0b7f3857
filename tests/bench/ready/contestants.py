"""Who makes a server ready: the script, the agent that is resident already, and the agent started for this alone.

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

from tests.bench.ready.stage import Place
from tests.integration.servers import root_of

SCRIPT, RESIDENT, ENCRYPTED, APPLY = "script", "resident", "encrypted", "apply"
PROGRAM = Path(sys.executable).with_name("guestagent")
HERE = Path(__file__).parent
LINKER = "usr/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
PLAIN = {"mariadb": "--skip-ssl", "mysql": "--ssl-mode=DISABLED"}
SETTLED_SECONDS = 0.3
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Command:
    """`agent` is the resident process that the command addresses, where there is one."""

    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    agent: psutil.Process | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.argv, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def finish(self) -> None:
        process = self.begin()
        assert process.wait(PATIENCE) == 0, self.said()

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


@contextmanager
def scripted(place: Place) -> Iterator[Command]:
    script = HERE / f"by_hand_{place.server.flavour.family}.sh"
    environment = {"client": " ".join(client(place)), "socket": place.server.socket}
    argv = (*place.within, "sh", str(script), place.role, str(document(place)))
    yield Command(argv, place.folder / "log", environment)


def asked(place: Place, statement: str) -> Command:
    """The flavour's own client, which asks once over the socket."""
    words = ("--no-defaults", f"--socket={place.server.socket}", "--user=root", f"--execute={statement}")
    return Command((*place.within, *client(place), *words, PLAIN[place.server.flavour.family]), place.folder / "log")


def client(place: Place) -> tuple[str, ...]:
    """With its own libraries, and without the mounts of the rig's `within`, which cost more than it does."""
    root, family = root_of(place.server.flavour), place.server.flavour.family
    return str(root / LINKER), "--library-path", str(root / LIBRARIES), str(root / "usr/bin" / family)


@contextmanager
def applied(place: Place) -> Iterator[Command]:
    yield Command(agent("apply", place, "--metadata", str(document(place))), place.folder / "log")


@contextmanager
def resident(place: Place, *words: str, encrypted: bool = False) -> Iterator[Command]:
    """The agent has started, found nothing to do, and rests; os-collect-config's command brings the document."""
    log = place.folder / "log"
    serving = Command(agent("serve", place, *words), log).begin()
    try:
        process = psutil.Process(serving.pid)
        settle(process, place)
        poke = agent("poke", place, *words)
        yield Command(poke, log, {"OS_CONFIG_FILES": str(document(place, encrypted))}, process)
    finally:
        serving.terminate()
        serving.wait(PATIENCE)


def settle(process: psutil.Process, place: Place) -> None:
    """Until the agent has told its status, and has had nothing to do for a moment."""
    sign = place.folder / "guestagent" / "status.json"
    until, seen, since = time.monotonic() + PATIENCE, -1.0, time.monotonic()
    while not (sign.exists() and time.monotonic() - since >= SETTLED_SECONDS):
        assert time.monotonic() < until, "the resident agent does not come to rest"
        used = cpu(process)
        if used != seen:
            seen, since = used, time.monotonic()
        time.sleep(0.02)


def cpu(process: psutil.Process) -> float:
    """Seconds of processor that it has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def agent(command: str, place: Place, *words: str) -> tuple[str, ...]:
    return (*place.within, str(PROGRAM), command, *words)


def document(place: Place, encrypted: bool = False) -> Path:
    path = place.folder / "cfn.json"
    path.write_text(json.dumps(place.document(encrypted)))
    return path


CONTESTANTS: Mapping[str, Callable[[Place], AbstractContextManager[Command]]] = {
    SCRIPT: scripted,
    RESIDENT: resident,
    ENCRYPTED: partial(resident, encrypted=True),
    APPLY: applied,
}
