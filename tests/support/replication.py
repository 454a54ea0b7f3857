"""A source, a replica that follows it, and how they are seen: for tests on real servers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from guestagent.database.protocols import Database
from guestagent.database.state import (
    Account,
    AccountState,
    ChannelState,
    ReceiverState,
)
from guestagent.database.steps import (
    PointChannel,
    StartChannel,
)
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer

PASSWORD = Secret("correct horse battery")


REPLICATOR = Account("slave0000", "%")


def build_point_channel(source: DatabaseServer, password: Secret = PASSWORD) -> PointChannel:
    return PointChannel("127.0.0.1", source.port, REPLICATOR.name, password)


def start_replication(replica: Database, source: DatabaseServer) -> None:
    replica.apply(build_point_channel(source))
    replica.apply(StartChannel())
    wait_until(lambda: read_channel(replica).receiver is ReceiverState.RUNNING)


def read_channel(database: Database) -> ChannelState:
    channel = database.observe().channel
    assert channel is not None
    return channel


def read_account(database: Database, account: Account) -> AccountState:
    seen = database.observe().find_account(account)
    assert seen is not None
    return seen


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


def create_certificate(folder: Path, name: str) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1, its own CA; and its key. The paths of both files."""
    paths = str(folder / f"{name}.pem"), str(folder / f"{name}-key.pem")
    options = "-newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    usage = "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"
    command = [
        "openssl",
        "req",
        "-x509",
        *options.split(),
        "-addext",
        usage,
        "-out",
        paths[0],
        "-keyout",
        paths[1],
    ]
    subprocess.run(command, check=True, capture_output=True)
    return paths
