"""Replicas with data of their own, which the agent does not change."""

from __future__ import annotations

from pathlib import Path

from tests.support.agent_guest import (
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
    write_despite_read_only,
)
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import limit_to_family


def build_own_gtids(server: DatabaseServer, last: int) -> str:
    """Return the set of the first `last` transactions that the server itself has written."""
    if server.flavour.family == "mysql":
        return f"{server.query_value('@@server_uuid')}:1-{last}"
    return f"0-1-{last}"


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


def test_data_without_a_gtid_history_is_not_changed(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    source.apply(build_source_document())
    write_despite_read_only(replica.server, "SET SESSION sql_log_bin = 0", "CREATE DATABASE shop")

    report = replica.apply(build_replica_document(source.server.port, Deadline=600))

    assert format_worst_condition(report).startswith(
        "data: final: schemas or accounts without a history: shop"
    )
    assert replica.server.execute("SHOW REPLICA STATUS") == []
