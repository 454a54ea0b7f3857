"""Disks that are full, on either side, and have room again."""

from __future__ import annotations

import errno
import signal
import subprocess
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql

from tests.failures.pair import Node, Pair, Told
from tests.failures.row import Area, late
from tests.integration.places import small_disk

area = Area("disks")
Telling = Generator[Told, None, None]

MEGABYTES = 320
FULL = late("server", "the disk is full")


@area.row(FULL)
def a_disk_of_the_replica_that_is_full(pair: Pair) -> Telling:
    pair.ready()
    with on_a_small_disk(pair, pair.replica) as disk:
        fill(disk)
        pair.source.server.ask("INSERT INTO d.t VALUES (5, REPEAT('x', 4000000))")
        yield pair.replica.apply(pair.replica_document(Deadline=30))
        (disk / "filler").unlink()
        healed = pair.again(deadline=150)
        assert healed.ready, f"it does not heal: {healed.worst}: {healed.reason}"
        pair.holds()


@area.row(FULL)
def a_disk_of_the_source_that_is_full(pair: Pair) -> Telling:
    pair.ready()
    with on_a_small_disk(pair, pair.source) as disk:
        assert pair.again(deadline=60).ready
        fill(disk)
        with writing(pair):
            yield pair.source.apply(pair.source_document(Deadline=30))
            (disk / "filler").unlink()
        healed = pair.source.apply(pair.source_document(Deadline=150))
        assert healed.ready, f"it does not heal: {healed.worst}: {healed.reason}"
        assert pair.again(deadline=60).ready
        pair.holds()


@contextmanager
def on_a_small_disk(pair: Pair, node: Node) -> Iterator[Path]:
    """The node's server, with its data on a disk of its own; only within the block."""
    pair.spoiled = True
    node.server.stop()
    data = node.server.folder / "data"
    moved = data.with_name("moved")
    data.rename(moved)
    with small_disk(data, MEGABYTES) as disk:
        subprocess.run(("cp", "--archive", "-T", str(moved), str(disk)), check=True)
        node.server.start()
        try:
            yield disk
        finally:
            node.server.stop(signal.SIGKILL)  # one that waits for space would not end by itself
    moved.rename(data.with_name("was"))


def fill(disk: Path) -> None:
    """To its last byte."""
    size = 1 << 20
    with (disk / "filler").open("wb", 0) as filler:
        while size:
            try:
                filler.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                size //= 2


@contextmanager
def writing(pair: Pair) -> Iterator[None]:
    """Somebody writes on the source, and waits for as long as it takes."""

    def write() -> None:
        with suppress(pymysql.MySQLError, OSError):
            pair.source.server.ask("INSERT INTO d.t VALUES (6, REPEAT('y', 4000000))")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    yield
    writer.join(90)
