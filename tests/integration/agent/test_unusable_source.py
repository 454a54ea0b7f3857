"""Sources that a replica cannot or must not follow, on real servers of every flavour."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.support.agent_guest import (
    PASSWORD,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
)
from tests.support.database_servers import install_data_directory, open_server
from tests.support.family_statements import limit_to_family


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
