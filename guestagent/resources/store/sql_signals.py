"""Keeps the signals of guests. A guest may repeat them without end: what is known already is not written."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select

from guestagent.resources.store.operation_rules import (
    choose_due_time,
    choose_signal_time,
    is_same_signal,
    list_outdated_generations,
)
from guestagent.resources.store.records import SignalEntry
from guestagent.resources.store.sql_acceptance import add_news
from guestagent.resources.store.sql_database import StoreTime
from guestagent.resources.store.sql_rows import read_signal
from guestagent.resources.store.sql_snapshot import find_cluster_row
from guestagent.resources.store.tables import clusters, signals

_SELECT_ID = select(clusters.c.id).where(clusters.c.name == bindparam("cluster"))


def is_known_signal(connection: Connection, cluster_name: str, signal: SignalEntry) -> bool:
    """Return whether there is nothing to write, because the same signal is kept. Nothing is locked."""
    cluster_id = connection.execute(_SELECT_ID, {"cluster": cluster_name}).scalar_one_or_none()
    return cluster_id is not None and is_same_signal(_find_signal(connection, cluster_id, signal), signal)


def write_signal(connection: Connection, time: StoreTime, cluster_name: str, signal: SignalEntry) -> None:
    """Keep a signal in place of an earlier one, and forget those of generations long past."""
    cluster = find_cluster_row(connection, cluster_name, writes=True)
    if cluster is None:
        return
    stored = _find_signal(connection, cluster.id, signal)
    if is_same_signal(stored, signal):  # another thread was faster
        return
    now = time.read_now(connection)
    connection.execute(delete(signals).where(_is_it(cluster.id, signal)))
    row = {
        "cluster_id": cluster.id,
        "instance": signal.instance,
        "generation": signal.generation,
        "is_success": signal.is_success,
        "reason": signal.reason,
        "data": signal.data,
        "at": choose_signal_time(stored, signal, now),
    }
    connection.execute(insert(signals).values(row))
    of_instance = (signals.c.cluster_id == cluster.id) & (signals.c.instance == signal.instance)
    kept = [read_signal(each) for each in connection.execute(select(signals).where(of_instance))]
    for generation in list_outdated_generations(kept):
        connection.execute(delete(signals).where(of_instance & (signals.c.generation == generation)))
    add_news(connection, cluster.id, choose_due_time(stored, now))


def _find_signal(connection: Connection, cluster_id: str, signal: SignalEntry) -> SignalEntry | None:
    row = connection.execute(select(signals).where(_is_it(cluster_id, signal))).one_or_none()
    return None if row is None else read_signal(row)


def _is_it(cluster_id: str, signal: SignalEntry) -> ColumnElement[bool]:
    return and_(
        signals.c.cluster_id == cluster_id,
        signals.c.instance == signal.instance,
        signals.c.generation == signal.generation,
    )
