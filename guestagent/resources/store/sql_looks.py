"""Since when audits have seen their findings, in the tables of a store."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, insert, select

from guestagent.resources.store.look_changes import LookChange, Looks, find_look_change
from guestagent.resources.store.tables import looks


def read_looks(connection: Connection, engine: str) -> Looks:
    """Return the first look at each finding of an engine, by its cluster and id."""
    query = select(looks.c.cluster, looks.c.finding, looks.c.first_at).where(looks.c.engine == engine)
    return {(row.cluster, row.finding): row.first_at for row in connection.execute(query)}


def write_looks(
    connection: Connection,
    engine: str,
    findings: Mapping[str, Collection[str]],
    *,
    is_whole: bool,
    now: float,
) -> Looks:
    """Write what a look has changed, and return the looks as they are then."""
    change = find_look_change(read_looks(connection, engine), findings, is_whole=is_whole)
    _apply_change(connection, engine, change, now)
    return read_looks(connection, engine)


def _apply_change(connection: Connection, engine: str, change: LookChange, now: float) -> None:
    for cluster, finding in change.forgotten:
        is_it = (looks.c.engine == engine) & (looks.c.cluster == cluster) & (looks.c.finding == finding)
        connection.execute(delete(looks).where(is_it))
    rows = [
        {"engine": engine, "cluster": cluster, "finding": finding, "first_at": now}
        for cluster, finding in change.added
    ]
    if rows:
        connection.execute(insert(looks), rows)
