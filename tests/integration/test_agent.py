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

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.support.cluster_commands import build_interruptible_argv
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.family_statements import limit_to_family
from tests.support.journals import change_journal

PASSWORD = "correct horse battery"
IMAGE_OPTIONS = ("skip-slave-start=1", "general-log=1", "general-log-file=../general.log")
READ_ONLY_VARIABLES = {"mariadb": "read_only", "mysql": "super_read_only"}
"""The variable with which an image boots."""
BOUNDARIES = 8


@dataclass
class AgentGuest:
    """A server, and the folder where its agent keeps what it must not forget."""

    server: DatabaseServer
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.build_command(*words), capture_output=True, text=True, timeout=60)

    def build_command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "guestagent", *words, "--config", str(self.write_config())]

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """What `guestagent apply --json` answers."""
        answer = self.run("apply", "--no-signal", "--json", "--metadata", str(self.write_document(document)))
        assert answer.stderr == "" or "not ready" in answer.stdout, answer.stderr
        told: dict[str, Any] = json.loads(answer.stdout)
        assert answer.returncode == (0 if told["state"] == "ready" else 1)
        return told

    def run_killed_agent(self, document: dict[str, Any], boundary: int) -> int:
        """The exit code of an agent that is killed at the boundary."""
        words = [str(self.write_config()), str(self.write_document(document)), str(boundary)]
        return subprocess.run(
            [sys.executable, "-m", "tests.support.agent_killed_at_step", *words], timeout=60
        ).returncode

    def write_document(self, document: dict[str, Any]) -> Path:
        path = self.folder / "document.json"
        path.write_text(json.dumps(document))
        return path

    def write_config(self) -> Path:
        path = self.folder / "guestagent.conf"
        path.write_text(
            f"[DEFAULT]\nstate = {self.folder}/state\nrun = {self.folder}/run\n"
            f"[database]\nsocket = {self.server.socket}\n"
        )
        return path


@pytest.fixture(scope="module")
def _servers(
    flavour: Flavour, empty: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("agent")
    options = ("server-id=1", f"{READ_ONLY_VARIABLES[flavour.family]}=1", *IMAGE_OPTIONS)
    with (
        open_server(folder / "a", empty, *options, flavour=flavour) as one,
        open_server(folder / "b", empty, *options, flavour=flavour) as two,
    ):
        yield one, two


@pytest.fixture
def guests(_servers: tuple[DatabaseServer, DatabaseServer], tmp_path: Path) -> tuple[AgentGuest, AgentGuest]:
    """A source's and a replica's guest, as new."""
    made = []
    for name, server in zip("ab", _servers, strict=True):
        set_read_only(server.reset())
        (tmp_path / name).mkdir()
        made.append(AgentGuest(server, tmp_path / name))
    return made[0], made[1]


def build_source_document(**section: Any) -> dict[str, Any]:
    return {
        "ReadyWaitCondition": "http://127.0.0.1:9/handle",
        "Users": [{"name": "slave0000", "password": PASSWORD}],
        "GuestAgent": {"Node": "Master0000", "ServerId": 71, "Deadline": 10, **section},
    }


def build_replica_document(port: int, password: str = PASSWORD, **section: Any) -> dict[str, Any]:
    return {
        "ReadyWaitCondition": "http://127.0.0.1:9/handle",
        "Master": {
            "Address": "127.0.0.1",
            "Port": port,
            "User": {"name": "slave0000", "password": password},
        },
        "GuestAgent": {"Node": "Slave0000", "ServerId": 72, "Deadline": 10, **section},
    }


def prepare_pair(guests: tuple[AgentGuest, AgentGuest]) -> tuple[AgentGuest, AgentGuest]:
    """Both applied: a source with a row, and its replica."""
    source, replica = guests
    assert source.apply(build_source_document())["state"] == "ready"
    source.server.execute(
        "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)"
    )
    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"
    return source, replica


def set_read_only(server: DatabaseServer) -> None:
    server.execute(f"SET GLOBAL {READ_ONLY_VARIABLES[server.flavour.family]} = 1")


def write_despite_read_only(server: DatabaseServer, *statements: str) -> None:
    """What somebody writes on a server that was closed."""
    server.execute(f"SET GLOBAL {READ_ONLY_VARIABLES[server.flavour.family]} = 0", *statements)
    set_read_only(server)


def own(server: DatabaseServer, last: int) -> str:
    """The transactions that the server has given numbers to, from the first on."""
    if server.flavour.family == "mysql":
        return f"{server.query_value('@@server_uuid')}:1-{last}"
    return f"0-1-{last}"


def format_worst_condition(told: dict[str, Any]) -> str:
    condition = told["conditions"][0]
    return f"{condition['name']}: {condition['state']}: {condition['seen']}"


@pytest.mark.every_server
def test_a_source_and_a_replica_become_ready_and_hold_the_same_rows(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)

    assert replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "1"
    assert (source.server.query_value("@@read_only"), replica.server.query_value("@@read_only")) == ("0", "1")
    assert (source.server.query_value("@@server_id"), replica.server.query_value("@@server_id")) == (
        "71",
        "72",
    )


def test_a_second_pass_writes_nothing(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = prepare_pair(guests)
    before = [guest.server.read_position() for guest in guests]

    assert source.apply(build_source_document())["state"] == "ready"
    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"

    assert [guest.server.read_position() for guest in guests] == before


def test_a_plan_changes_nothing_and_shows_no_secret(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, _ = guests
    before = source.server.read_position()

    answer = source.run("plan", "--json", "--metadata", str(source.write_document(build_source_document())))

    assert answer.returncode == 0, answer.stderr
    kinds = [step["kind"] for step in json.loads(answer.stdout)["steps"]]
    assert kinds == ["SetServerId", "CreateMarker", "CreateAccount", "SetReadOnly"]
    assert source.server.read_position() == before
    assert PASSWORD not in answer.stdout
    assert not (source.folder / "state" / "journal.json").exists()


@pytest.mark.parametrize("boundary", range(BOUNDARIES + 1))
def test_a_source_whose_agent_is_killed_anywhere_converges(
    guests: tuple[AgentGuest, AgentGuest], boundary: int
) -> None:
    source, _ = guests

    code = source.run_killed_agent(build_source_document(), boundary)

    assert code == (-signal.SIGKILL if boundary < BOUNDARIES else 0)
    assert source.apply(build_source_document())["state"] == "ready"


@pytest.mark.parametrize("boundary", range(6))
def test_a_replica_whose_agent_is_killed_anywhere_converges(
    guests: tuple[AgentGuest, AgentGuest], boundary: int
) -> None:
    source, replica = guests
    assert source.apply(build_source_document())["state"] == "ready"
    document = build_replica_document(source.server.port)

    assert replica.run_killed_agent(document, boundary) == -signal.SIGKILL

    assert replica.apply(document)["state"] == "ready"


def test_a_new_password_reaches_both_ends(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = prepare_pair(guests)
    changed = build_source_document() | {"Users": [{"name": "slave0000", "password": "another"}]}

    assert source.apply(changed)["state"] == "ready"
    assert replica.apply(build_replica_document(source.server.port, "another"))["state"] == "ready"

    source.server.execute("INSERT INTO d.t VALUES (2)")
    assert replica.apply(build_replica_document(source.server.port, "another"))["state"] == "ready"
    assert replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "2"


def test_an_account_that_left_is_dropped_and_a_foreign_one_stays(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, _ = prepare_pair(guests)
    source.server.execute("CREATE USER other@'%' IDENTIFIED BY 'x'")

    assert source.apply(build_source_document() | {"Users": []})["state"] == "ready"

    names = {row["User"] for row in source.server.execute("SELECT User FROM mysql.user")}
    assert "other" in names
    assert "slave0000" not in names


def test_a_wrong_password_ends_at_the_deadline_with_the_servers_words(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = guests
    source.apply(build_source_document())

    told = replica.apply(build_replica_document(source.server.port, "wrong", Deadline=2))

    assert (told["state"], told["doing"][:9]) == ("failed", "not ready")
    assert "1045" in format_worst_condition(told)
    assert "password" in told["conditions"][0]["do"]


def test_an_unreachable_source_ends_at_the_deadline(guests: tuple[AgentGuest, AgentGuest]) -> None:
    _, replica = guests

    told = replica.apply(build_replica_document(9, Deadline=2))

    assert told["state"] == "failed"
    assert "2003" in format_worst_condition(told)


def test_an_equal_server_id_ends_at_once(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())

    told = replica.apply(build_replica_document(source.server.port, ServerId=71, Deadline=600))

    assert format_worst_condition(told) == "server id: final: 71, which is the source's too"


def test_a_replica_that_holds_other_data_is_left_as_it_is(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())
    write_despite_read_only(
        replica.server,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT)",
        "INSERT INTO shop.orders VALUES (1)",
    )
    before = replica.server.read_position()

    told = replica.apply(build_replica_document(source.server.port, Deadline=600))

    assert format_worst_condition(told).startswith(
        f"history: final: diverged from the source 127.0.0.1:{source.server.port}: "
    )
    assert f"errant transactions {own(replica.server, 3)}" in format_worst_condition(told)
    assert replica.server.read_position() == before
    assert replica.server.execute("SHOW REPLICA STATUS") == []


@limit_to_family("mariadb")
def test_own_data_under_the_gtids_of_the_source_is_left_as_it_is(
    empty: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    """Both wrote before they had ids of their own; a server that is not strict would replay over it."""
    source, _ = guests
    options = ("server-id=1", "read-only=1", "gtid-strict-mode=OFF")
    with open_server(tmp_path / "lax", empty, *options, flavour=source.server.flavour) as server:
        (tmp_path / "l").mkdir()
        for at in (source.server, server):
            at.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.orders (id INT)",
                "INSERT INTO shop.orders VALUES (1)",
            )
        server.execute("SET SESSION sql_log_bin = 0", "UPDATE shop.orders SET id = 9")
        source.apply(build_source_document())

        told = AgentGuest(server, tmp_path / "l").apply(
            build_replica_document(source.server.port, Deadline=600)
        )

        assert format_worst_condition(told).startswith("history: final: transactions of its own: 0-1-3")
        assert server.query_value("(SELECT id FROM shop.orders)") == "9"
        assert server.execute("SHOW REPLICA STATUS") == []


def test_a_replica_without_a_binary_log_cannot_tell_what_was_written_on_it(
    empty: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    source, _ = guests
    source.apply(build_source_document())
    flavour = source.server.flavour
    with open_server(tmp_path / "nolog", empty, "server-id=1", "skip-log-bin", flavour=flavour) as server:
        (tmp_path / "n").mkdir()

        told = AgentGuest(server, tmp_path / "n").apply(
            build_replica_document(source.server.port, Deadline=600)
        )

    assert format_worst_condition(told) == "binary log: final: off"


def test_a_replica_that_was_restarted_long_after_its_deadline_is_brought_back(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)
    change_journal(replica.folder / "state", spent=7 * 86400.0)
    replica.server.stop()
    replica.server.start()

    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"


def test_data_without_a_history_is_left_as_it_is_too(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())
    write_despite_read_only(replica.server, "SET SESSION sql_log_bin = 0", "CREATE DATABASE shop")

    told = replica.apply(build_replica_document(source.server.port, Deadline=600))

    assert format_worst_condition(told).startswith("data: final: schemas or accounts without a history: shop")
    assert replica.server.execute("SHOW REPLICA STATUS") == []


def test_a_source_without_a_binary_log_fails_on_both_ends(
    empty: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    _, replica = guests
    flavour = replica.server.flavour
    with open_server(tmp_path / "nolog", empty, "server-id=1", "skip-log-bin", flavour=flavour) as server:
        (tmp_path / "n").mkdir()
        bare = AgentGuest(server, tmp_path / "n")
        server.execute(
            f"CREATE USER slave0000@'%' IDENTIFIED BY '{PASSWORD}'",
            "GRANT REPLICATION SLAVE ON *.* TO slave0000@'%'",
        )

        assert (
            format_worst_condition(bare.apply(build_source_document(Deadline=600)))
            == "binary log: final: off"
        )
        assert "binary log" in format_worst_condition(
            replica.apply(build_replica_document(server.port, Deadline=600))
        )


def test_no_password_is_left_in_any_log_or_file_of_ours(guests: tuple[AgentGuest, AgentGuest]) -> None:
    prepare_pair(guests)

    for guest in guests:
        assert PASSWORD.encode() not in guest.server.read_all_logs()
        ours = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert PASSWORD.encode() not in ours


def test_a_second_pass_at_the_same_time_gives_way(guests: tuple[AgentGuest, AgentGuest]) -> None:
    _, replica = guests
    words = [
        "apply",
        "--no-signal",
        "--metadata",
        str(replica.write_document(build_replica_document(9, Deadline=60))),
    ]

    command = build_interruptible_argv(replica.build_command(*words))
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stderr is not None
        first.stderr.readline()
        second = replica.run(*words)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)

    assert (first.returncode, second.returncode) == (130, 1)
    assert "another pass is at work" in second.stderr


@limit_to_family("mysql")
def test_a_copied_data_directory_ends_at_once_and_says_what_to_remove(
    flavour: Flavour, empty: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    source, _ = guests
    source.apply(build_source_document())
    with open_server(tmp_path / "copy", empty, "server-id=1", "super-read-only=1", flavour=flavour) as server:
        server.stop()
        identity = source.server.folder / "data" / "auto.cnf"
        (server.folder / "data" / "auto.cnf").write_bytes(identity.read_bytes())
        server.start()
        (tmp_path / "c").mkdir()

        told = AgentGuest(server, tmp_path / "c").apply(
            build_replica_document(source.server.port, Deadline=600)
        )

        assert format_worst_condition(told).startswith("server uuid: final:")
        assert "auto.cnf" in told["conditions"][0]["do"]
        assert server.execute("SHOW REPLICA STATUS") == []


@pytest.mark.parametrize(("ours", "theirs"), [("mariadb1011", "mysql97"), ("mysql97", "mariadb118")])
def test_a_source_of_the_other_family_ends_at_once(tmp_path: Path, ours: str, theirs: str) -> None:
    places = [(tmp_path / name, FLAVOURS[name]) for name in (theirs, ours)]
    for folder, _ in places:
        folder.mkdir()
    templates = [install_data_directory(folder / "template", flavour) for folder, flavour in places]
    with (
        open_server(places[0][0] / "s", templates[0], "server-id=1", flavour=places[0][1]) as one,
        open_server(places[1][0] / "s", templates[1], "server-id=1", flavour=places[1][1]) as two,
    ):
        source, replica = AgentGuest(one, places[0][0]), AgentGuest(two, places[1][0])
        assert source.apply(build_source_document())["state"] == "ready"

        told = replica.apply(build_replica_document(one.port, Deadline=600))

        assert format_worst_condition(told).startswith("source: final: a M")
        assert two.execute("SHOW REPLICA STATUS") == []
