"""How much there is to do, counted in the tables."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from guestagent.resources.operation import OperationState
from guestagent.resources.store.records import StoreLoad
from guestagent.resources.store.sql_database import StoreTime
from guestagent.resources.store.tables import clusters, operations

_OPEN_STATES = [str(state) for state in OperationState if not state.is_final]


def read_store_load(connection: Connection, time: StoreTime) -> StoreLoad:
    """Count clusters and operations, and find the cluster that has been due for longest. Nothing is locked."""
    now = time.read_now(connection)
    waiting = select(func.min(clusters.c.due_at)).where(
        clusters.c.due_at <= now, clusters.c.lease_until <= now
    )
    due_at = connection.execute(waiting).scalar_one()
    by_engine = select(clusters.c.engine, func.count().label("total")).group_by(clusters.c.engine)
    by_state = select(operations.c.kind, operations.c.state, func.count()).group_by(
        operations.c.kind, operations.c.state
    )
    attention = (
        select(func.count())
        .select_from(operations)
        .where(operations.c.attention != "", operations.c.state.in_(_OPEN_STATES))
    )
    return StoreLoad(
        clusters={row.engine: row.total for row in connection.execute(by_engine)},
        operations={
            (kind, OperationState(state)): count for kind, state, count in connection.execute(by_state)
        },
        oldest_due_s=0.0 if due_at is None else now - due_at,
        attention=connection.execute(attention).scalar_one(),
    )
