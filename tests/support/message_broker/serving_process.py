"""A service in a process of its own that takes orders into a store in a file, for tests that kill it.

python -m tests.support.message_broker.serving_process STORE_FILE    reads the broker's URL from stdin
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import MessageServer
from guestagent.resources.store.store_clock import MachineClock
from guestagent.resources.store.store_location import StoreFile
from guestagent.resources.store.store_opening import open_file_store
from guestagent.secret import Secret
from tests.support.polling import wait_until
from tests.unit.resources.clusters import FakeEngine

TREE = Path(__file__).parents[3]
READY = "serving\n"


@contextmanager
def open_serving_process(settings: BrokerSettings, store: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a service, wait until it takes requests, and kill it at the end."""
    command = (sys.executable, "-m", "tests.support.message_broker.serving_process", str(store))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=TREE, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(settings.url.reveal())
            process.stdin.close()
            assert process.stdout.readline() == READY
            yield process
        finally:
            process.kill()


def serve(url: str, path: Path) -> None:
    """Serve until the process is killed."""
    store = open_file_store(StoreFile(path), MachineClock())
    intake = OrderIntake(store, select_engine(FakeEngine()))
    server = MessageServer(BrokerSettings(Secret(url)), intake, f"process-{os.getpid()}")
    server.open()
    wait_until(lambda: server.is_serving)
    sys.stdout.write(READY)
    sys.stdout.flush()
    Event().wait()


if __name__ == "__main__":
    serve(sys.stdin.read(), Path(sys.argv[1]))
