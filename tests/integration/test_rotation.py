"""A password is replaced under a running writer, on each flavour: nobody who reconnects is ever refused."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest

from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import ReceiverState, ServerError
from guestagent.embedded.database_servers import Flavour
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.integration.test_agent import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
)
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.journals import lose_journal
from tests.support.replication import wait_until
from tests.support.server_reset_statements import RESET_STATEMENTS

OLD, NEW = "the-old-password-in-clear", "the-new-password-in-clear"
THEIRS, THIRD = "the-password-of-somebody-else", "the-third-password-in-clear"
STEPS_OF_A_MOVE = 3
# Somebody gives the account a password and leaves the present one beside it, or puts a second one beside it.
ANOTHER = {
    "mariadb": "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('{theirs}')"
    " OR mysql_native_password USING PASSWORD('{ours}')",
    "mysql": "ALTER USER slave0000 IDENTIFIED BY '{theirs}' RETAIN CURRENT PASSWORD",
}
BESIDE = {
    "mariadb": "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('{ours}')"
    " OR mysql_native_password USING PASSWORD('{theirs}')",
    "mysql": "ALTER USER slave0000 IDENTIFIED BY '{theirs}'; "
    "ALTER USER slave0000 IDENTIFIED BY '{ours}' RETAIN CURRENT PASSWORD",
}

pytestmark = pytest.mark.timeout(300)


@dataclass
class Pair:
    """A source and its replica over verified TLS, and the documents of their generations."""

    source: AgentGuest
    replica: AgentGuest
    ca: str
    logged_before: int
    refused: list[str] = field(default_factory=list)

    def source_has(self, password: str, generation: int, **section: Any) -> dict[str, Any]:
        document = build_source_document(TLS={"CA": self.ca}, Generation=generation, **section)
        return document | {"Users": [{"name": "slave0000", "password": password}]}

    def replica_has(self, password: str, generation: int, **section: Any) -> dict[str, Any]:
        tls = {"CA": self.ca}
        return build_replica_document(
            self.source.server.port, password, TLS=tls, Generation=generation, **({"Deadline": 30} | section)
        )

    def reconnects(self) -> None:
        """End the stream at the source: the replica comes back, and was not refused on the way."""
        dumps = RESET_STATEMENTS[self.source.server.flavour.family].dumps
        before = {row["id"] for row in self.source.server.execute(dumps)}
        for number in before:
            with suppress(pymysql.MySQLError):
                self.source.server.execute(f"KILL {number}")

        def is_back() -> bool:
            with closing(self.replica.server.open()) as database:
                channel = database.observe().channel
            assert channel is not None
            if channel.receiver_error is not None:
                self.refused += [str(channel.receiver_error)] if channel.receiver_error.number == 1045 else []
            now = {row["id"] for row in self.source.server.execute(dumps)} - before
            return channel.receiver is ReceiverState.RUNNING and bool(now)

        wait_until(is_back)
        assert self.refused == []
        assert "Access denied" not in self.replica.server.read_log()[self.logged_before :]

    def login(self, password: str) -> ServerError | None:
        view = TcpSourceProbe(5)
        tls = Tls(ca=self.ca)
        return view.probe("127.0.0.1", self.source.server.port, "slave0000", Secret(password), tls).error

    def lets_in(self, *passwords: str) -> list[bool]:
        return [self.login(password) is None for password in passwords]

    def by_hand(self, what: Mapping[str, str], ours: str = OLD) -> None:
        """What somebody does to the account at the source's console."""
        said = what[self.source.server.flavour.family].format(theirs=THEIRS, ours=ours)
        self.source.server.execute(*said.split("; "))


@pytest.fixture(scope="module")
def servers(
    flavour: Flavour, empty: Path, authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("rotation")
    options = ("server-id=1", *IMAGE_OPTIONS)
    with (
        open_server(folder / "a", empty, *options, *authority.valid.options, flavour=flavour) as one,
        open_server(folder / "b", empty, *options, flavour=flavour) as two,
    ):
        yield one, two


@pytest.fixture
def pair(
    servers: tuple[DatabaseServer, DatabaseServer], authority: CertificateAuthority, tmp_path: Path
) -> Pair:
    """Both ready with the old password, and a table to write into."""
    guests = []
    for name, server in zip("ab", servers, strict=True):
        server.reset()
        (tmp_path / name).mkdir()
        guests.append(AgentGuest(server, tmp_path / name))
    made = Pair(guests[0], guests[1], authority.text, len(guests[1].server.read_log()))
    assert made.source.apply(made.source_has(OLD, 1))["state"] == "ready"
    made.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)")
    assert made.replica.apply(made.replica_has(OLD, 1))["state"] == "ready"
    return made


@contextmanager
def writing(server: DatabaseServer) -> Iterator[None]:
    """Somebody inserts rows all the while."""
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.02):
            server.execute("INSERT INTO d.t VALUES ()")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def watching_processes(*secrets: str) -> Iterator[list[str]]:
    """Collects every argument list and environment of this machine that shows one of them."""
    done = threading.Event()
    found: list[str] = []

    def watch() -> None:
        while not done.wait(0.3):
            for process in (each for each in Path("/proc").iterdir() if each.name.isdigit()):
                for path in (process / "cmdline", process / "environ"):
                    with suppress(OSError):
                        content = path.read_bytes()
                        found.extend(f"{path}" for secret in secrets if secret.encode() in content)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def test_a_password_is_replaced_and_nobody_is_refused_meanwhile(pair: Pair) -> None:
    with writing(pair.source.server), watching_processes(OLD, NEW) as shown:
        refused = pair.replica.apply(pair.replica_has(NEW, 2, Deadline=2))
        pair.reconnects()
        retained = pair.source.apply(pair.source_has(NEW, 2, RetainPasswords=True))
        pair.reconnects()
        both = pair.login(OLD), pair.login(NEW)
        moved = pair.replica.apply(pair.replica_has(NEW, 3))
        pair.reconnects()
        ended = pair.source.apply(pair.source_has(NEW, 3))
        pair.reconnects()
    final = pair.replica.apply(pair.replica_has(NEW, 3))

    assert [told["state"] for told in (refused, retained, moved, ended, final)] == ["failed", *["ready"] * 4]
    assert both == (None, None)
    old = pair.login(OLD)
    assert (pair.login(NEW), old.number if old else None) == (None, 1045)
    count = "(SELECT COUNT(*) FROM d.t)"
    assert pair.replica.server.query_value(count) == pair.source.server.query_value(count) != "0"
    assert shown == []
    for guest in (pair.source, pair.replica):
        logged = guest.server.read_all_logs()
        ours = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert all(secret.encode() not in logged + ours for secret in (OLD, NEW))
    for row in pair.source.server.execute("SHOW FULL PROCESSLIST"):
        assert not any(secret in str(row) for secret in (OLD, NEW))


def test_two_passwords_are_as_wanted_in_their_own_generation_and_nothing_is_altered(pair: Pair) -> None:
    pair.source.apply(pair.source_has(NEW, 2))
    before = pair.source.server.read_position()

    told = pair.source.apply(pair.source_has(NEW, 2))

    assert told["state"] == "ready"
    assert pair.source.server.read_position() == before
    assert pair.login(OLD) is None


def test_a_rotation_that_is_taken_back_is_exchanged(pair: Pair) -> None:
    pair.source.apply(pair.source_has(NEW, 2))

    told = pair.source.apply(pair.source_has(OLD, 3, RetainPasswords=True))

    assert told["state"] == "ready"
    assert (pair.login(OLD), pair.login(NEW)) == (None, None)


def test_a_third_password_pushes_out_the_oldest(pair: Pair) -> None:
    pair.source.apply(pair.source_has(NEW, 2))

    pair.source.apply(pair.source_has("a-third", 2))

    refused = pair.login(OLD)
    assert (pair.login("a-third"), pair.login(NEW)) == (None, None)
    assert refused is not None


def test_a_source_that_lost_its_journal_keeps_the_old_password_through_its_generation(pair: Pair) -> None:
    pair.source.apply(pair.source_has(NEW, 2))
    lose_journal(pair.source.folder / "state")

    told = pair.source.apply(pair.source_has(NEW, 3))
    kept = pair.login(OLD)
    pair.source.apply(pair.source_has(NEW, 4))

    assert told["state"] == "ready"
    assert "the old password is valid too" in str(told["conditions"])
    assert kept is None
    assert pair.login(OLD) is not None


@pytest.mark.parametrize("what", [ANOTHER, BESIDE], ids=["another", "beside"])
def test_a_password_that_somebody_gave_is_gone_after_the_next_pass_and_nobody_is_refused(
    pair: Pair, what: Mapping[str, str]
) -> None:
    pair.by_hand(what)
    before = pair.lets_in(OLD, THEIRS)

    told = pair.source.apply(pair.source_has(OLD, 1))

    assert before == [True, True]
    assert told["state"] == "ready"
    assert pair.lets_in(OLD, THEIRS) == [True, False]
    pair.reconnects()


def test_a_rotation_over_the_password_of_somebody_else_retains_the_agents_own(pair: Pair) -> None:
    pair.by_hand(ANOTHER)

    told = pair.source.apply(pair.source_has(NEW, 2, RetainPasswords=True))

    assert told["state"] == "ready"
    assert pair.lets_in(OLD, NEW, THEIRS) == [True, True, False]
    pair.reconnects()


def test_a_password_that_somebody_gave_within_a_rotation_leaves_the_retained_one_valid(pair: Pair) -> None:
    pair.source.apply(pair.source_has(NEW, 2, RetainPasswords=True))
    plain = {"mariadb": ANOTHER["mariadb"], "mysql": "ALTER USER slave0000 IDENTIFIED BY '{theirs}'"}
    pair.by_hand(plain)
    before = pair.lets_in(OLD, NEW, THEIRS)

    told = pair.source.apply(pair.source_has(NEW, 2, RetainPasswords=True))

    assert before == [True, False, True]
    assert told["state"] == "ready"
    assert pair.lets_in(OLD, NEW, THEIRS) == [True, True, False]
    pair.reconnects()


def test_without_a_journal_a_second_password_stays_until_the_next_generation(pair: Pair) -> None:
    pair.by_hand(BESIDE)
    lose_journal(pair.source.folder / "state")

    pair.source.apply(pair.source_has(OLD, 1))
    kept = pair.lets_in(OLD, THEIRS)
    pair.source.apply(pair.source_has(OLD, 2))

    assert kept == [True, True]
    assert pair.lets_in(OLD, THEIRS) == [True, False]


@pytest.mark.parametrize("boundary", range(2), ids=["before", "after"])
def test_a_rotation_killed_around_its_statement_leaves_a_way_in_whatever_comes_next(
    pair: Pair, boundary: int
) -> None:
    wanted = pair.source_has(NEW, 2, RetainPasswords=True)
    assert pair.source.run_killed_agent(wanted, boundary) == -signal.SIGKILL
    given = NEW if boundary else OLD

    told = pair.source.apply(pair.source_has(THIRD, 3, RetainPasswords=True))

    assert told["state"] == "ready"
    assert pair.lets_in(given, THIRD) == [True, True]


def test_whoever_is_killed_in_the_middle_leaves_a_way_in(pair: Pair) -> None:
    with writing(pair.source.server):
        for boundary in range(2 * STEPS_OF_A_MOVE):
            password, generation = f"password-{boundary}", 2 + 2 * boundary
            if boundary < 2:
                wanted = pair.source_has(password, generation, RetainPasswords=True)
                assert pair.source.run_killed_agent(wanted, boundary) == -signal.SIGKILL
                pair.reconnects()
            told = pair.source.apply(pair.source_has(password, generation, RetainPasswords=True))
            assert told["state"] == "ready", told
            document = pair.replica_has(password, generation)
            assert pair.replica.run_killed_agent(document, boundary) == -signal.SIGKILL
            assert pair.replica.apply(document)["state"] == "ready"
            pair.reconnects()
            assert pair.source.apply(pair.source_has(password, generation + 1))["state"] == "ready"
            pair.reconnects()
