"""Disks without space: a server that waits for some seems well, and is not."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from guestagent.database.login import connect_socket
from guestagent.database.sql_statement import sql
from guestagent.errors import DatabaseUnreachable
from tests.failures.row import FailureArea, expect_final, expect_late
from tests.failures.server_pair import ApplyAnswer, Node, Pair
from tests.support.network_link import fill_disk, mount_small_disk

area = FailureArea("full disks")
ScenarioAnswers = Generator[ApplyAnswer, None, None]
MEGABYTES = 64


@area.row(expect_late("server", "the disk is full"), heals=False)
def a_source_whose_binary_logs_fill_their_disk(pair: Pair) -> ScenarioAnswers:
    with open_small_disk(pair, pair.source, "log-bin") as disk:
        pair.prepare()
        disk.fill()
        write_until_timeout(pair.source)
        yield pair.source.apply(pair.build_source_document(Generation=2))
        disk.free()
        check_healed(pair.prepare_source(Generation=3))


@area.row(
    expect_late("server", "the disk is full"), heals=False, mysql=expect_final("receiver", "the disk is full")
)
def a_replica_whose_relay_logs_fill_their_disk(pair: Pair) -> ScenarioAnswers:
    with open_small_disk(pair, pair.replica, "relay-log") as disk:
        pair.prepare()
        disk.fill()
        said = "INSERT INTO d.t VALUES ({}, REPEAT('x', 100000))"
        pair.source.server.execute(*(said.format(number) for number in range(10, 20)))
        yield pair.replica.apply(pair.build_replica_document(Generation=2, Deadline=20))
        disk.free()
        check_healed(pair)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """What one kind of a server's files has to itself."""

    node: Node
    option: str
    filler: Path

    def fill(self) -> None:
        fill_disk(self.filler)

    def free(self) -> None:
        """And start the server again: by itself it looks for space once a minute."""
        self.node.server.stop(signal.SIGKILL)
        self.filler.unlink()
        self.node.server.start(self.option)


@contextmanager
def open_small_disk(pair: Pair, node: Node, files: str) -> Iterator[SmallDisk]:
    """A small disk for what the option `files` names; the server is on it already."""
    pair.is_spoiled = True
    with mount_small_disk(node.folder / "disk", MEGABYTES) as folder:
        option = f"{files}={folder}/log"
        pair.restart_server(node, option)
        try:
            yield SmallDisk(node, option, folder / "filler")
        finally:
            node.server.stop(signal.SIGKILL)


def write_until_timeout(node: Node) -> None:
    """A session that writes, and goes on waiting when nobody listens any more."""
    with closing(connect_socket(node.server.socket, "root", 1)) as session:
        try:
            session.fetch_rows(sql("INSERT INTO d.t VALUES (99, {})", "x" * 6_000), "writing")
        except DatabaseUnreachable:
            return
    raise AssertionError("the disk is full, and yet it was written to")


def check_healed(pair: Pair) -> None:
    told = pair.apply_on_replica()
    assert told.is_ready, f"it does not heal: {told.worst_condition}: {told.reason}"
    pair.compare_rows()
