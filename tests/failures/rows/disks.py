"""Full disks: a server that waits for free space still accepts connections, but it does not work."""

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
from tests.support.small_disk import fill_disk, mount_small_disk

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
        statement = "INSERT INTO d.t VALUES ({}, REPEAT('x', 100000))"
        pair.source.server.execute(*(statement.format(number) for number in range(10, 20)))
        yield pair.replica.apply(pair.build_replica_document(Generation=2, Deadline=20))
        disk.free()
        check_healed(pair)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A disk that holds nothing but one kind of log of a server."""

    node: Node
    option: str
    filler: Path

    def fill(self) -> None:
        fill_disk(self.filler)

    def free(self) -> None:
        """Free the space and restart the server, which itself checks for free space only once a minute."""
        self.node.server.stop(signal.SIGKILL)
        self.filler.unlink()
        self.node.server.start(self.option)


@contextmanager
def open_small_disk(pair: Pair, node: Node, option_name: str) -> Iterator[SmallDisk]:
    """Restart the server with the option `option_name` pointing to a small disk."""
    pair.is_spoiled = True
    with mount_small_disk(node.folder / "disk", MEGABYTES) as folder:
        option = f"{option_name}={folder}/log"
        pair.restart_server(node, option)
        try:
            yield SmallDisk(node, option, folder / "filler")
        finally:
            node.server.stop(signal.SIGKILL)


def write_until_timeout(node: Node) -> None:
    """Write from a session that the server keeps waiting after its client has gone."""
    with closing(connect_socket(node.server.socket, "root", 1)) as session:
        try:
            session.fetch_rows(sql("INSERT INTO d.t VALUES (99, {})", "x" * 6_000), "writing")
        except DatabaseUnreachable:
            return
    raise AssertionError("the server wrote to a full disk")


def check_healed(pair: Pair) -> None:
    answer = pair.apply_on_replica()
    assert answer.is_ready, (
        f"not ready after the cause was removed: {answer.worst_condition}: {answer.reason}"
    )
    pair.compare_rows()
