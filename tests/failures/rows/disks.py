"""Disks without space: a server that waits for some seems well, and is not."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from guestagent.database.connection import over_socket
from guestagent.database.sql import sql
from guestagent.errors import DatabaseUnreachable
from tests.failures.pair import Node, Pair, Told
from tests.failures.row import Area, final, late
from tests.integration.places import fill, small_disk

area = Area("full disks")
Telling = Generator[Told, None, None]
MEGABYTES = 64


@area.row(late("server", "the disk is full"), heals=False)
def a_source_whose_binary_logs_fill_their_disk(pair: Pair) -> Telling:
    with disk_of(pair, pair.source, "log-bin") as disk:
        pair.ready()
        disk.fill()
        waits_for_space(pair.source)
        yield pair.source.apply(pair.source_document(Generation=2))
        disk.free()
        healed(pair.with_source(Generation=3))


@area.row(late("server", "the disk is full"), heals=False, mysql=final("receiver", "the disk is full"))
def a_replica_whose_relay_logs_fill_their_disk(pair: Pair) -> Telling:
    with disk_of(pair, pair.replica, "relay-log") as disk:
        pair.ready()
        disk.fill()
        said = "INSERT INTO d.t VALUES ({}, REPEAT('x', 100000))"
        pair.source.server.ask(*(said.format(number) for number in range(10, 20)))
        yield pair.replica.apply(pair.replica_document(Generation=2, Deadline=20))
        disk.free()
        healed(pair)


@dataclass(frozen=True, slots=True)
class Disk:
    """What one kind of a server's files has to itself."""

    node: Node
    option: str
    filler: Path

    def fill(self) -> None:
        fill(self.filler)

    def free(self) -> None:
        """And start the server again: by itself it looks for space once a minute."""
        self.node.server.stop(signal.SIGKILL)
        self.filler.unlink()
        self.node.server.start(self.option)


@contextmanager
def disk_of(pair: Pair, node: Node, files: str) -> Iterator[Disk]:
    """A small disk for what the option `files` names; the server is on it already."""
    pair.spoiled = True
    with small_disk(node.folder / "disk", MEGABYTES) as folder:
        option = f"{files}={folder}/log"
        pair.restarted(node, option)
        try:
            yield Disk(node, option, folder / "filler")
        finally:
            node.server.stop(signal.SIGKILL)


def waits_for_space(node: Node) -> None:
    """A session that writes, and goes on waiting when nobody listens any more."""
    with closing(over_socket(node.server.socket, "root", 1)) as session:
        try:
            session.rows(sql("INSERT INTO d.t VALUES (99, {})", "x" * 6_000), "writing")
        except DatabaseUnreachable:
            return
    raise AssertionError("the disk is full, and yet it was written to")


def healed(pair: Pair) -> None:
    told = pair.again()
    assert told.ready, f"it does not heal: {told.worst}: {told.reason}"
    pair.holds()
