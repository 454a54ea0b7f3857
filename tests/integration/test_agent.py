"""Passes of the agent on real servers of every flavour, run from the command line and killed at every step."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.support.agent_guest import (
    IMAGE_OPTIONS,
    PASSWORD,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
    prepare_pair,
    set_read_only,
    write_despite_read_only,
)
from tests.support.cluster_commands import build_interruptible_argv
from tests.support.database_servers import (
    READ_ONLY_VARIABLES,
    DatabaseServer,
    install_data_directory,
    open_server,
)
from tests.support.family_statements import limit_to_family
from tests.support.journals import change_journal

SOURCE_STEPS = ("SetServerId", "CreateMarker", "CreateAccount", "SetReadOnly")
REPLICA_STEPS = ("SetServerId", "PointChannel", "StartChannel")


@pytest.fixture(scope="module")
def _servers(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("agent")
    options = ("server-id=1", f"{READ_ONLY_VARIABLES[flavour.family]}=1", *IMAGE_OPTIONS)
    with (
        open_server(folder / "a", data_template, *options, flavour=flavour) as source_server,
        open_server(folder / "b", data_template, *options, flavour=flavour) as replica_server,
    ):
        yield source_server, replica_server


@pytest.fixture
def guests(_servers: tuple[DatabaseServer, DatabaseServer], tmp_path: Path) -> tuple[AgentGuest, AgentGuest]:
    """The guests of a source and a replica, both without data."""
    created = []
    for name, server in zip("ab", _servers, strict=True):
        set_read_only(server.reset())
        (tmp_path / name).mkdir()
        created.append(AgentGuest(server, tmp_path / name))
    return created[0], created[1]


def build_own_gtids(server: DatabaseServer, last: int) -> str:
    """Return the set of the first `last` transactions that the server itself has written."""
    if server.flavour.family == "mysql":
        return f"{server.query_value('@@server_uuid')}:1-{last}"
    return f"0-1-{last}"


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
    assert tuple(step["kind"] for step in json.loads(answer.stdout)["steps"]) == SOURCE_STEPS
    assert source.server.read_position() == before
    assert PASSWORD not in answer.stdout
    assert not (source.folder / "state" / "journal.json").exists()


@pytest.mark.parametrize("boundary", range(2 * len(SOURCE_STEPS) + 1))
def test_a_source_converges_after_its_agent_was_killed_at_any_step(
    guests: tuple[AgentGuest, AgentGuest], boundary: int
) -> None:
    source, _ = guests

    exit_code = source.run_killed_agent(build_source_document(), boundary)

    assert exit_code == (-signal.SIGKILL if boundary < 2 * len(SOURCE_STEPS) else 0)
    assert source.apply(build_source_document())["state"] == "ready"


def test_the_plan_of_a_replica_lists_its_steps(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    assert source.apply(build_source_document())["state"] == "ready"

    assert replica.list_planned_steps(build_replica_document(source.server.port)) == REPLICA_STEPS


@pytest.mark.parametrize("boundary", range(2 * len(REPLICA_STEPS)))
def test_a_replica_converges_after_its_agent_was_killed_at_any_step(
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


def test_a_removed_account_is_dropped_and_a_foreign_one_is_kept(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, _ = prepare_pair(guests)
    source.server.execute("CREATE USER other@'%' IDENTIFIED BY 'x'")

    assert source.apply(build_source_document() | {"Users": []})["state"] == "ready"

    names = {row["User"] for row in source.server.execute("SELECT User FROM mysql.user")}
    assert "other" in names
    assert "slave0000" not in names


def test_a_wrong_password_fails_at_the_deadline_with_the_servers_error(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = guests
    source.apply(build_source_document())

    report = replica.apply(build_replica_document(source.server.port, "wrong", Deadline=2))

    assert (report["state"], report["doing"][:9]) == ("failed", "not ready")
    assert "1045" in format_worst_condition(report)
    assert "password" in report["conditions"][0]["do"]


def test_an_unreachable_source_fails_at_the_deadline(guests: tuple[AgentGuest, AgentGuest]) -> None:
    _, replica = guests

    report = replica.apply(build_replica_document(9, Deadline=2))

    assert report["state"] == "failed"
    assert "2003" in format_worst_condition(report)


def test_an_equal_server_id_fails_at_once(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())

    report = replica.apply(build_replica_document(source.server.port, ServerId=71, Deadline=600))

    assert format_worst_condition(report) == "server id: final: 71, which is the source's too"


def test_a_replica_with_other_data_is_not_changed(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())
    write_despite_read_only(
        replica.server,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT)",
        "INSERT INTO shop.orders VALUES (1)",
    )
    before = replica.server.read_position()

    report = replica.apply(build_replica_document(source.server.port, Deadline=600))

    assert format_worst_condition(report).startswith(
        f"history: final: diverged from the source 127.0.0.1:{source.server.port}: "
    )
    assert f"errant transactions {build_own_gtids(replica.server, 3)}" in format_worst_condition(report)
    assert replica.server.read_position() == before
    assert replica.server.execute("SHOW REPLICA STATUS") == []


@limit_to_family("mariadb")
def test_own_data_under_the_gtids_of_the_source_is_not_changed(
    data_template: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    """Both wrote before they had different ids; without strict mode the server would apply the rows over its own."""
    source, _ = guests
    options = ("server-id=1", "read-only=1", "gtid-strict-mode=OFF")
    with open_server(tmp_path / "lax", data_template, *options, flavour=source.server.flavour) as server:
        (tmp_path / "l").mkdir()
        for each_server in (source.server, server):
            each_server.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.orders (id INT)",
                "INSERT INTO shop.orders VALUES (1)",
            )
        server.execute("SET SESSION sql_log_bin = 0", "UPDATE shop.orders SET id = 9")
        source.apply(build_source_document())

        report = AgentGuest(server, tmp_path / "l").apply(
            build_replica_document(source.server.port, Deadline=600)
        )

        assert format_worst_condition(report).startswith("history: final: transactions of its own: 0-1-3")
        assert server.query_value("(SELECT id FROM shop.orders)") == "9"
        assert server.execute("SHOW REPLICA STATUS") == []


def test_a_replica_without_a_binary_log_is_rejected(
    data_template: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    source, _ = guests
    source.apply(build_source_document())
    flavour = source.server.flavour
    with open_server(
        tmp_path / "nolog", data_template, "server-id=1", "skip-log-bin", flavour=flavour
    ) as server:
        (tmp_path / "n").mkdir()

        report = AgentGuest(server, tmp_path / "n").apply(
            build_replica_document(source.server.port, Deadline=600)
        )

    assert format_worst_condition(report) == "binary log: final: off"


def test_a_replica_restarted_long_after_its_deadline_is_repaired(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)
    change_journal(replica.folder / "state", spent=7 * 86400.0)
    replica.server.stop()
    replica.server.start()

    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"


def test_data_without_a_gtid_history_is_not_changed(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())
    write_despite_read_only(replica.server, "SET SESSION sql_log_bin = 0", "CREATE DATABASE shop")

    report = replica.apply(build_replica_document(source.server.port, Deadline=600))

    assert format_worst_condition(report).startswith(
        "data: final: schemas or accounts without a history: shop"
    )
    assert replica.server.execute("SHOW REPLICA STATUS") == []


def test_source_and_replica_fail_if_the_source_has_no_binary_log(
    data_template: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    _, replica = guests
    flavour = replica.server.flavour
    with open_server(
        tmp_path / "nolog", data_template, "server-id=1", "skip-log-bin", flavour=flavour
    ) as server:
        (tmp_path / "n").mkdir()
        guest = AgentGuest(server, tmp_path / "n")
        server.execute(
            f"CREATE USER slave0000@'%' IDENTIFIED BY '{PASSWORD}'",
            "GRANT REPLICATION SLAVE ON *.* TO slave0000@'%'",
        )

        assert (
            format_worst_condition(guest.apply(build_source_document(Deadline=600)))
            == "binary log: final: off"
        )
        assert "binary log" in format_worst_condition(
            replica.apply(build_replica_document(server.port, Deadline=600))
        )


def test_no_log_and_no_state_file_contains_a_password(guests: tuple[AgentGuest, AgentGuest]) -> None:
    prepare_pair(guests)

    for guest in guests:
        assert PASSWORD.encode() not in guest.server.read_all_logs()
        own_flavour = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert PASSWORD.encode() not in own_flavour


def test_a_second_pass_at_the_same_time_is_rejected(guests: tuple[AgentGuest, AgentGuest]) -> None:
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
def test_a_copied_data_directory_fails_at_once_and_names_the_file_to_remove(
    flavour: Flavour, data_template: Path, guests: tuple[AgentGuest, AgentGuest], tmp_path: Path
) -> None:
    source, _ = guests
    source.apply(build_source_document())
    with open_server(
        tmp_path / "copy", data_template, "server-id=1", "super-read-only=1", flavour=flavour
    ) as server:
        server.stop()
        identity = source.server.folder / "data" / "auto.cnf"
        (server.folder / "data" / "auto.cnf").write_bytes(identity.read_bytes())
        server.start()
        (tmp_path / "c").mkdir()

        report = AgentGuest(server, tmp_path / "c").apply(
            build_replica_document(source.server.port, Deadline=600)
        )

        assert format_worst_condition(report).startswith("server uuid: final:")
        assert "auto.cnf" in report["conditions"][0]["do"]
        assert server.execute("SHOW REPLICA STATUS") == []


@pytest.mark.parametrize(
    ("own_flavour", "source_flavour"), [("mariadb1011", "mysql97"), ("mysql97", "mariadb118")]
)
def test_a_source_of_the_other_family_fails_at_once(
    tmp_path: Path, own_flavour: str, source_flavour: str
) -> None:
    nodes = [(tmp_path / name, FLAVOURS[name]) for name in (source_flavour, own_flavour)]
    for folder, _ in nodes:
        folder.mkdir()
    templates = [install_data_directory(folder / "template", flavour) for folder, flavour in nodes]
    with (
        open_server(nodes[0][0] / "s", templates[0], "server-id=1", flavour=nodes[0][1]) as source_server,
        open_server(nodes[1][0] / "s", templates[1], "server-id=1", flavour=nodes[1][1]) as replica_server,
    ):
        source, replica = AgentGuest(source_server, nodes[0][0]), AgentGuest(replica_server, nodes[1][0])
        assert source.apply(build_source_document())["state"] == "ready"

        report = replica.apply(build_replica_document(source_server.port, Deadline=600))

        assert format_worst_condition(report).startswith("source: final: a M")
        assert replica_server.execute("SHOW REPLICA STATUS") == []
