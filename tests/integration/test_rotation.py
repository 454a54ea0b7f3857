"""Password rotation under a running writer, on each flavour: no reconnecting replica is ever rejected."""

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
from tests.support.agent_guest import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
)
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.journals import lose_journal
from tests.support.polling import wait_until
from tests.support.server_reset_statements import RESET_STATEMENTS

OLD, NEW = "the-old-password-in-clear", "the-new-password-in-clear"
FOREIGN, THIRD = "the-password-of-somebody-else", "the-third-password-in-clear"
# The steps with which a replica takes over a new password; the agent is killed before and after each.
MOVE_STEPS = ("StopChannel", "PointChannel", "StartChannel")
# By hand, a person replaces the password and retains the current one, or adds a second password.
REPLACE_PASSWORD = {
    "mariadb": "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('{foreign}')"
    " OR mysql_native_password USING PASSWORD('{own}')",
    "mysql": "ALTER USER slave0000 IDENTIFIED BY '{foreign}' RETAIN CURRENT PASSWORD",
}
ADD_PASSWORD = {
    "mariadb": "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('{own}')"
    " OR mysql_native_password USING PASSWORD('{foreign}')",
    "mysql": "ALTER USER slave0000 IDENTIFIED BY '{foreign}'; "
    "ALTER USER slave0000 IDENTIFIED BY '{own}' RETAIN CURRENT PASSWORD",
}

pytestmark = pytest.mark.timeout(300)


@dataclass
class Pair:
    """A source and its replica over verified TLS, and the documents of their generations."""

    source: AgentGuest
    replica: AgentGuest
    ca: str
    log_length: int
    rejections: list[str] = field(default_factory=list)

    def build_source(self, password: str, generation: int, **section: Any) -> dict[str, Any]:
        document = build_source_document(TLS={"CA": self.ca}, Generation=generation, **section)
        return document | {"Users": [{"name": "slave0000", "password": password}]}

    def build_replica(self, password: str, generation: int, **section: Any) -> dict[str, Any]:
        tls = {"CA": self.ca}
        return build_replica_document(
            self.source.server.port, password, TLS=tls, Generation=generation, **({"Deadline": 30} | section)
        )

    def reconnect(self) -> None:
        """Kill the replication connection, and check that the replica reconnects without being rejected."""
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
                self.rejections += (
                    [str(channel.receiver_error)] if channel.receiver_error.number == 1045 else []
                )
            now = {row["id"] for row in self.source.server.execute(dumps)} - before
            return channel.receiver is ReceiverState.RUNNING and bool(now)

        wait_until(is_back)
        assert self.rejections == []
        assert "Access denied" not in self.replica.server.read_log()[self.log_length :]

    def login(self, password: str) -> ServerError | None:
        view = TcpSourceProbe(5)
        tls = Tls(ca=self.ca)
        return view.probe("127.0.0.1", self.source.server.port, "slave0000", Secret(password), tls).error

    def check_logins(self, *passwords: str) -> list[bool]:
        return [self.login(password) is None for password in passwords]

    def change_by_hand(self, statements: Mapping[str, str], own_password: str = OLD) -> None:
        """Change the account on the source, as a person does."""
        text = statements[self.source.server.flavour.family].format(foreign=FOREIGN, own=own_password)
        self.source.server.execute(*text.split("; "))


@pytest.fixture(scope="module")
def servers(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("rotation")
    options = ("server-id=1", *IMAGE_OPTIONS)
    with (
        open_server(folder / "a", data_template, *options, *authority.valid.options, flavour=flavour) as one,
        open_server(folder / "b", data_template, *options, flavour=flavour) as two,
    ):
        yield one, two


@pytest.fixture
def pair(
    servers: tuple[DatabaseServer, DatabaseServer], authority: CertificateAuthority, tmp_path: Path
) -> Pair:
    """Both ready with the old password, with a table for new rows."""
    guests = []
    for name, server in zip("ab", servers, strict=True):
        server.reset()
        (tmp_path / name).mkdir()
        guests.append(AgentGuest(server, tmp_path / name))
    pair = Pair(guests[0], guests[1], authority.text, len(guests[1].server.read_log()))
    assert pair.source.apply(pair.build_source(OLD, 1))["state"] == "ready"
    pair.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)")
    assert pair.replica.apply(pair.build_replica(OLD, 1))["state"] == "ready"
    return pair


@contextmanager
def insert_rows_meanwhile(server: DatabaseServer) -> Iterator[None]:
    """Insert rows on the server until the block ends."""
    is_done = threading.Event()

    def write() -> None:
        while not is_done.wait(0.02):
            server.execute("INSERT INTO d.t VALUES ()")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


@contextmanager
def watch_processes(*secrets: str) -> Iterator[list[str]]:
    """Collect every argument list and environment on this machine that contains a secret."""
    is_done = threading.Event()
    leaks: list[str] = []

    def watch() -> None:
        while not is_done.wait(0.3):
            for process in (each for each in Path("/proc").iterdir() if each.name.isdigit()):
                for path in (process / "cmdline", process / "environ"):
                    with suppress(OSError):
                        content = path.read_bytes()
                        leaks.extend(f"{path}" for secret in secrets if secret.encode() in content)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield leaks
    finally:
        is_done.set()
        thread.join()


def test_a_password_is_replaced_and_no_replica_is_rejected(pair: Pair) -> None:
    with insert_rows_meanwhile(pair.source.server), watch_processes(OLD, NEW) as leaks:
        rejected = pair.replica.apply(pair.build_replica(NEW, 2, Deadline=2))
        pair.reconnect()
        source_with_both = pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))
        pair.reconnect()
        both = pair.login(OLD), pair.login(NEW)
        replica_with_new = pair.replica.apply(pair.build_replica(NEW, 3))
        pair.reconnect()
        source_with_new = pair.source.apply(pair.build_source(NEW, 3))
        pair.reconnect()
    final = pair.replica.apply(pair.build_replica(NEW, 3))

    assert [
        report["state"] for report in (rejected, source_with_both, replica_with_new, source_with_new, final)
    ] == ["failed", *["ready"] * 4]
    assert both == (None, None)
    old = pair.login(OLD)
    assert (pair.login(NEW), old.number if old else None) == (None, 1045)
    count = "(SELECT COUNT(*) FROM d.t)"
    assert pair.replica.server.query_value(count) == pair.source.server.query_value(count) != "0"
    assert leaks == []
    for guest in (pair.source, pair.replica):
        logged = guest.server.read_all_logs()
        state_content = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert all(secret.encode() not in logged + state_content for secret in (OLD, NEW))
    for row in pair.source.server.execute("SHOW FULL PROCESSLIST"):
        assert not any(secret in str(row) for secret in (OLD, NEW))


def test_a_second_pass_of_a_generation_alters_no_password(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))
    before = pair.source.server.read_position()

    report = pair.source.apply(pair.build_source(NEW, 2))

    assert report["state"] == "ready"
    assert pair.source.server.read_position() == before
    assert pair.login(OLD) is None


def test_the_passwords_are_swapped_if_a_rotation_is_reverted(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))

    report = pair.source.apply(pair.build_source(OLD, 3, RetainPasswords=True))

    assert report["state"] == "ready"
    assert (pair.login(OLD), pair.login(NEW)) == (None, None)


def test_a_third_password_replaces_the_oldest(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))

    pair.source.apply(pair.build_source("a-third", 2))

    old_login = pair.login(OLD)
    assert (pair.login("a-third"), pair.login(NEW)) == (None, None)
    assert old_login is not None


def test_a_source_that_lost_its_journal_keeps_the_old_password_through_its_generation(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2))
    lose_journal(pair.source.folder / "state")

    report = pair.source.apply(pair.build_source(NEW, 3))
    accepted_before = pair.login(OLD)
    pair.source.apply(pair.build_source(NEW, 4))

    assert report["state"] == "ready"
    assert "the old password is valid too" in str(report["conditions"])
    assert accepted_before is None
    assert pair.login(OLD) is not None


@pytest.mark.parametrize("statements", [REPLACE_PASSWORD, ADD_PASSWORD], ids=["another", "beside"])
def test_the_next_pass_removes_a_password_set_by_hand_and_no_replica_is_rejected(
    pair: Pair, statements: Mapping[str, str]
) -> None:
    pair.change_by_hand(statements)
    before = pair.check_logins(OLD, FOREIGN)

    report = pair.source.apply(pair.build_source(OLD, 1))

    assert before == [True, True]
    assert report["state"] == "ready"
    assert pair.check_logins(OLD, FOREIGN) == [True, False]
    pair.reconnect()


def test_a_rotation_after_a_change_by_hand_retains_the_agents_own_password(pair: Pair) -> None:
    pair.change_by_hand(REPLACE_PASSWORD)

    report = pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))

    assert report["state"] == "ready"
    assert pair.check_logins(OLD, NEW, FOREIGN) == [True, True, False]
    pair.reconnect()


def test_a_change_by_hand_during_a_rotation_keeps_the_retained_password_valid(pair: Pair) -> None:
    pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))
    plain = {
        "mariadb": REPLACE_PASSWORD["mariadb"],
        "mysql": "ALTER USER slave0000 IDENTIFIED BY '{foreign}'",
    }
    pair.change_by_hand(plain)
    before = pair.check_logins(OLD, NEW, FOREIGN)

    report = pair.source.apply(pair.build_source(NEW, 2, RetainPasswords=True))

    assert before == [True, False, True]
    assert report["state"] == "ready"
    assert pair.check_logins(OLD, NEW, FOREIGN) == [True, True, False]
    pair.reconnect()


def test_without_a_journal_a_second_password_stays_until_the_next_generation(pair: Pair) -> None:
    pair.change_by_hand(ADD_PASSWORD)
    lose_journal(pair.source.folder / "state")

    pair.source.apply(pair.build_source(OLD, 1))
    accepted_before = pair.check_logins(OLD, FOREIGN)
    pair.source.apply(pair.build_source(OLD, 2))

    assert accepted_before == [True, True]
    assert pair.check_logins(OLD, FOREIGN) == [True, False]


@pytest.mark.parametrize("boundary", range(2), ids=["before", "after"])
def test_a_replica_can_log_in_after_a_rotation_was_killed_around_its_statement(
    pair: Pair, boundary: int
) -> None:
    document = pair.build_source(NEW, 2, RetainPasswords=True)
    assert pair.source.run_killed_agent(document, boundary) == -signal.SIGKILL
    current_password = NEW if boundary else OLD

    report = pair.source.apply(pair.build_source(THIRD, 3, RetainPasswords=True))

    assert report["state"] == "ready"
    assert pair.check_logins(current_password, THIRD) == [True, True]


def test_a_replica_can_log_in_after_an_agent_was_killed_at_any_step(pair: Pair) -> None:
    with insert_rows_meanwhile(pair.source.server):
        for boundary in range(2 * len(MOVE_STEPS)):
            password, generation = f"password-{boundary}", 2 + 2 * boundary
            if boundary < 2:
                source_document = pair.build_source(password, generation, RetainPasswords=True)
                assert pair.source.run_killed_agent(source_document, boundary) == -signal.SIGKILL
                pair.reconnect()
            report = pair.source.apply(pair.build_source(password, generation, RetainPasswords=True))
            assert report["state"] == "ready", report
            document = pair.build_replica(password, generation)
            assert pair.replica.run_killed_agent(document, boundary) == -signal.SIGKILL
            assert pair.replica.apply(document)["state"] == "ready"
            pair.reconnect()
            assert pair.source.apply(pair.build_source(password, generation + 1))["state"] == "ready"
            pair.reconnect()
