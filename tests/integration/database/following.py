"""A source, a replica that follows it, and how they are seen: for tests on real servers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from guestagent.database.edge import Database
from guestagent.database.state import (
    Account,
    AccountState,
    ChannelState,
    Receiver,
)
from guestagent.database.steps import (
    PointChannel,
    StartChannel,
)
from guestagent.secret import Secret
from tests.integration.servers import Server

PASSWORD = Secret("correct horse battery")


REPLICATOR = Account("slave0000", "%")


def point(source: Server, password: Secret = PASSWORD) -> PointChannel:
    return PointChannel("127.0.0.1", source.port, REPLICATOR.name, password)


def follow(replica: Database, source: Server) -> None:
    replica.apply(point(source))
    replica.apply(StartChannel())
    until(lambda: channel_of(replica).receiver is Receiver.RUNNING)


def channel_of(database: Database) -> ChannelState:
    channel = database.observe().channel
    assert channel is not None
    return channel


def account_of(database: Database, account: Account) -> AccountState:
    seen = database.observe().account(account)
    assert seen is not None
    return seen


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


def certificate(folder: Path, name: str) -> tuple[str, str]:
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
