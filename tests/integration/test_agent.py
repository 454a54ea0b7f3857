"""The agent's pass on real servers of every flavour, as the command line runs it; and what a cut makes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.servers import FLAVOURS, Flavour
from tests.integration.commands import interruptible
from tests.integration.database.spoken import only
from tests.integration.servers import Server, installed, running
from tests.support.journals import change_journal

PASSWORD = "correct horse battery"
AS_IN_THE_IMAGE = ("skip-slave-start=1", "general-log=1", "general-log-file=../general.log")
CLOSED = {"mariadb": "read_only", "mysql": "super_read_only"}
"""The variable with which an image boots."""
BOUNDARIES = 8


@dataclass
class Guest:
    """A server, and the folder where its agent keeps what it must not forget."""

    server: Server
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "guestagent", *words, "--config", str(self.config())]

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """What `guestagent apply --json` answers."""
        answer = self.run("apply", "--no-signal", "--json", "--metadata", str(self.document(document)))
        assert answer.stderr == "" or "not ready" in answer.stdout, answer.stderr
        told: dict[str, Any] = json.loads(answer.stdout)
        assert answer.returncode == (0 if told["state"] == "ready" else 1)
        return told

    def killed(self, document: dict[str, Any], boundary: int) -> int:
        """The exit code of an agent that is killed at the boundary."""
        words = [str(self.config()), str(self.document(document)), str(boundary)]
        return subprocess.run(
            [sys.executable, "-m", "tests.integration.dying", *words], timeout=60
        ).returncode

    def document(self, document: dict[str, Any]) -> Path:
        path = self.folder / "document.json"
        path.write_text(json.dumps(document))
        return path

    def config(self) -> Path:
        path = self.folder / "guestagent.conf"
        path.write_text(
            f"[DEFAULT]\nstate = {self.folder}/state\nrun = {self.folder}/run\n"
            f"[database]\nsocket = {self.server.socket}\n"
        )
        return path


@pytest.fixture(scope="module")
def _servers(
    flavour: Flavour, empty: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("agent")
    options = ("server-id=1", f"{CLOSED[flavour.family]}=1", *AS_IN_THE_IMAGE)
    with (
        running(folder / "a", empty, *options, flavour=flavour) as one,
        running(folder / "b", empty, *options, flavour=flavour) as two,
    ):
        yield one, two


@pytest.fixture
def guests(_servers: tuple[Server, Server], tmp_path: Path) -> tuple[Guest, Guest]:
    """A source's and a replica's guest, as new."""
    made = []
    for name, server in zip("ab", _servers, strict=True):
        close(server.emptied())
        (tmp_path / name).mkdir()
        made.append(Guest(server, tmp_path / name))
    return made[0], made[1]


def source_document(**section: Any) -> dict[str, Any]:
    return {
        "ReadyWaitCondition": "http://127.0.0.1:9/handle",
        "Users": [{"name": "slave0000", "password": PASSWORD}],
        "GuestAgent": {"Node": "Master0000", "ServerId": 71, "Deadline": 10, **section},
    }


def replica_document(port: int, password: str = PASSWORD, **section: Any) -> dict[str, Any]:
    return {
        "ReadyWaitCondition": "http://127.0.0.1:9/handle",
        "Master": {
            "Address": "127.0.0.1",
            "Port": port,
            "User": {"name": "slave0000", "password": password},
        },
        "GuestAgent": {"Node": "Slave0000", "ServerId": 72, "Deadline": 10, **section},
    }


def cluster(guests: tuple[Guest, Guest]) -> tuple[Guest, Guest]:
    """Both applied: a source with a row, and its replica."""
    source, replica = guests
    assert source.apply(source_document())["state"] == "ready"
    source.server.ask(
        "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)"
    )
    assert replica.apply(replica_document(source.server.port))["state"] == "ready"
    return source, replica


def close(server: Server) -> None:
    server.ask(f"SET GLOBAL {CLOSED[server.flavour.family]} = 1")


def scribble(server: Server, *statements: str) -> None:
    """What somebody writes on a server that was closed."""
    server.ask(f"SET GLOBAL {CLOSED[server.flavour.family]} = 0", *statements)
    close(server)


def own(server: Server, last: int) -> str:
    """The transactions that the server has given numbers to, from the first on."""
    if server.flavour.family == "mysql":
        return f"{server.value('@@server_uuid')}:1-{last}"
    return f"0-1-{last}"


def worst(told: dict[str, Any]) -> str:
    condition = told["conditions"][0]
    return f"{condition['name']}: {condition['state']}: {condition['seen']}"


@pytest.mark.every_server
def test_a_source_and_a_replica_become_ready_and_hold_the_same_rows(guests: tuple[Guest, Guest]) -> None:
    source, replica = cluster(guests)

    assert replica.server.value("(SELECT COUNT(*) FROM d.t)") == "1"
    assert (source.server.value("@@read_only"), replica.server.value("@@read_only")) == ("0", "1")
    assert (source.server.value("@@server_id"), replica.server.value("@@server_id")) == ("71", "72")


def test_a_second_pass_writes_nothing(guests: tuple[Guest, Guest]) -> None:
    source, replica = cluster(guests)
    before = [guest.server.position() for guest in guests]

    assert source.apply(source_document())["state"] == "ready"
    assert replica.apply(replica_document(source.server.port))["state"] == "ready"

    assert [guest.server.position() for guest in guests] == before


def test_a_plan_changes_nothing_and_shows_no_secret(guests: tuple[Guest, Guest]) -> None:
    source, _ = guests
    before = source.server.position()

    answer = source.run("plan", "--json", "--metadata", str(source.document(source_document())))

    assert answer.returncode == 0, answer.stderr
    kinds = [step["kind"] for step in json.loads(answer.stdout)["steps"]]
    assert kinds == ["SetServerId", "CreateMarker", "CreateAccount", "SetReadOnly"]
    assert source.server.position() == before
    assert PASSWORD not in answer.stdout
    assert not (source.folder / "state" / "journal.json").exists()


@pytest.mark.parametrize("boundary", range(BOUNDARIES + 1))
def test_a_source_whose_agent_is_killed_anywhere_converges(
    guests: tuple[Guest, Guest], boundary: int
) -> None:
    source, _ = guests

    code = source.killed(source_document(), boundary)

    assert code == (-signal.SIGKILL if boundary < BOUNDARIES else 0)
    assert source.apply(source_document())["state"] == "ready"


@pytest.mark.parametrize("boundary", range(6))
def test_a_replica_whose_agent_is_killed_anywhere_converges(
    guests: tuple[Guest, Guest], boundary: int
) -> None:
    source, replica = guests
    assert source.apply(source_document())["state"] == "ready"
    document = replica_document(source.server.port)

    assert replica.killed(document, boundary) == -signal.SIGKILL

    assert replica.apply(document)["state"] == "ready"


def test_a_new_password_reaches_both_ends(guests: tuple[Guest, Guest]) -> None:
    source, replica = cluster(guests)
    changed = source_document() | {"Users": [{"name": "slave0000", "password": "another"}]}

    assert source.apply(changed)["state"] == "ready"
    assert replica.apply(replica_document(source.server.port, "another"))["state"] == "ready"

    source.server.ask("INSERT INTO d.t VALUES (2)")
    assert replica.apply(replica_document(source.server.port, "another"))["state"] == "ready"
    assert replica.server.value("(SELECT COUNT(*) FROM d.t)") == "2"


def test_an_account_that_left_is_dropped_and_a_foreign_one_stays(guests: tuple[Guest, Guest]) -> None:
    source, _ = cluster(guests)
    source.server.ask("CREATE USER other@'%' IDENTIFIED BY 'x'")

    assert source.apply(source_document() | {"Users": []})["state"] == "ready"

    names = {row["User"] for row in source.server.ask("SELECT User FROM mysql.user")}
    assert "other" in names
    assert "slave0000" not in names


def test_a_wrong_password_ends_at_the_deadline_with_the_servers_words(guests: tuple[Guest, Guest]) -> None:
    source, replica = guests
    source.apply(source_document())

    told = replica.apply(replica_document(source.server.port, "wrong", Deadline=2))

    assert (told["state"], told["doing"][:9]) == ("failed", "not ready")
    assert "1045" in worst(told)
    assert "password" in told["conditions"][0]["do"]


def test_an_unreachable_source_ends_at_the_deadline(guests: tuple[Guest, Guest]) -> None:
    _, replica = guests

    told = replica.apply(replica_document(9, Deadline=2))

    assert told["state"] == "failed"
    assert "2003" in worst(told)


def test_an_equal_server_id_ends_at_once(guests: tuple[Guest, Guest]) -> None:
    source, replica = guests
    source.apply(source_document())

    told = replica.apply(replica_document(source.server.port, ServerId=71, Deadline=600))

    assert worst(told) == "server id: final: 71, which is the source's too"


def test_a_replica_that_holds_other_data_is_left_as_it_is(guests: tuple[Guest, Guest]) -> None:
    source, replica = guests
    source.apply(source_document())
    scribble(
        replica.server,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT)",
        "INSERT INTO shop.orders VALUES (1)",
    )
    before = replica.server.position()

    told = replica.apply(replica_document(source.server.port, Deadline=600))

    assert worst(told).startswith(f"history: final: parted from the source 127.0.0.1:{source.server.port}: ")
    assert f"errant transactions {own(replica.server, 3)}" in worst(told)
    assert replica.server.position() == before
    assert replica.server.ask("SHOW REPLICA STATUS") == []


@only("mariadb")
def test_own_data_under_the_gtids_of_the_source_is_left_as_it_is(
    empty: Path, guests: tuple[Guest, Guest], tmp_path: Path
) -> None:
    """Both wrote before they had ids of their own; a server that is not strict would replay over it."""
    source, _ = guests
    options = ("server-id=1", "read-only=1", "gtid-strict-mode=OFF")
    with running(tmp_path / "lax", empty, *options, flavour=source.server.flavour) as server:
        (tmp_path / "l").mkdir()
        for at in (source.server, server):
            at.ask(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.orders (id INT)",
                "INSERT INTO shop.orders VALUES (1)",
            )
        server.ask("SET SESSION sql_log_bin = 0", "UPDATE shop.orders SET id = 9")
        source.apply(source_document())

        told = Guest(server, tmp_path / "l").apply(replica_document(source.server.port, Deadline=600))

        assert worst(told).startswith("history: final: transactions of its own: 0-1-3")
        assert server.value("(SELECT id FROM shop.orders)") == "9"
        assert server.ask("SHOW REPLICA STATUS") == []


def test_a_replica_without_a_binary_log_cannot_tell_what_was_written_on_it(
    empty: Path, guests: tuple[Guest, Guest], tmp_path: Path
) -> None:
    source, _ = guests
    source.apply(source_document())
    flavour = source.server.flavour
    with running(tmp_path / "nolog", empty, "server-id=1", "skip-log-bin", flavour=flavour) as server:
        (tmp_path / "n").mkdir()

        told = Guest(server, tmp_path / "n").apply(replica_document(source.server.port, Deadline=600))

    assert worst(told) == "binary log: final: off"


def test_a_replica_that_was_restarted_long_after_its_deadline_is_brought_back(
    guests: tuple[Guest, Guest],
) -> None:
    source, replica = cluster(guests)
    change_journal(replica.folder / "state", spent=7 * 86400.0)
    replica.server.stop()
    replica.server.start()

    assert replica.apply(replica_document(source.server.port))["state"] == "ready"


def test_data_without_a_history_is_left_as_it_is_too(guests: tuple[Guest, Guest]) -> None:
    source, replica = guests
    source.apply(source_document())
    scribble(replica.server, "SET SESSION sql_log_bin = 0", "CREATE DATABASE shop")

    told = replica.apply(replica_document(source.server.port, Deadline=600))

    assert worst(told).startswith("data: final: schemas or accounts without a history: shop")
    assert replica.server.ask("SHOW REPLICA STATUS") == []


def test_a_source_without_a_binary_log_fails_on_both_ends(
    empty: Path, guests: tuple[Guest, Guest], tmp_path: Path
) -> None:
    _, replica = guests
    flavour = replica.server.flavour
    with running(tmp_path / "nolog", empty, "server-id=1", "skip-log-bin", flavour=flavour) as server:
        (tmp_path / "n").mkdir()
        bare = Guest(server, tmp_path / "n")
        server.ask(
            f"CREATE USER slave0000@'%' IDENTIFIED BY '{PASSWORD}'",
            "GRANT REPLICATION SLAVE ON *.* TO slave0000@'%'",
        )

        assert worst(bare.apply(source_document(Deadline=600))) == "binary log: final: off"
        assert "binary log" in worst(replica.apply(replica_document(server.port, Deadline=600)))


def test_no_password_is_left_in_any_log_or_file_of_ours(guests: tuple[Guest, Guest]) -> None:
    cluster(guests)

    for guest in guests:
        assert PASSWORD.encode() not in guest.server.everything_logged()
        ours = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert PASSWORD.encode() not in ours


def test_a_second_pass_at_the_same_time_gives_way(guests: tuple[Guest, Guest]) -> None:
    _, replica = guests
    words = ["apply", "--no-signal", "--metadata", str(replica.document(replica_document(9, Deadline=60)))]

    command = interruptible(replica.command(*words))
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stderr is not None
        first.stderr.readline()
        second = replica.run(*words)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)

    assert (first.returncode, second.returncode) == (130, 1)
    assert "another pass is at work" in second.stderr


@only("mysql")
def test_a_copied_data_directory_ends_at_once_and_says_what_to_remove(
    flavour: Flavour, empty: Path, guests: tuple[Guest, Guest], tmp_path: Path
) -> None:
    source, _ = guests
    source.apply(source_document())
    with running(tmp_path / "copy", empty, "server-id=1", "super-read-only=1", flavour=flavour) as server:
        server.stop()
        identity = source.server.folder / "data" / "auto.cnf"
        (server.folder / "data" / "auto.cnf").write_bytes(identity.read_bytes())
        server.start()
        (tmp_path / "c").mkdir()

        told = Guest(server, tmp_path / "c").apply(replica_document(source.server.port, Deadline=600))

        assert worst(told).startswith("server uuid: final:")
        assert "auto.cnf" in told["conditions"][0]["do"]
        assert server.ask("SHOW REPLICA STATUS") == []


@pytest.mark.parametrize(("ours", "theirs"), [("mariadb1011", "mysql97"), ("mysql97", "mariadb118")])
def test_a_source_of_the_other_family_ends_at_once(tmp_path: Path, ours: str, theirs: str) -> None:
    places = [(tmp_path / name, FLAVOURS[name]) for name in (theirs, ours)]
    for folder, _ in places:
        folder.mkdir()
    templates = [installed(folder / "template", flavour) for folder, flavour in places]
    with (
        running(places[0][0] / "s", templates[0], "server-id=1", flavour=places[0][1]) as one,
        running(places[1][0] / "s", templates[1], "server-id=1", flavour=places[1][1]) as two,
    ):
        source, replica = Guest(one, places[0][0]), Guest(two, places[1][0])
        assert source.apply(source_document())["state"] == "ready"

        told = replica.apply(replica_document(one.port, Deadline=600))

        assert worst(told).startswith("source: final: a M")
        assert two.ask("SHOW REPLICA STATUS") == []
