"""Pointing and starting a MariaDB channel whose relay logs are lost."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.mariadb.statements import build_statements
from guestagent.database.sql_statement import sql
from guestagent.database.step_execution import run_statements
from guestagent.database.steps import PointChannel, StartChannel
from guestagent.errors import DatabaseRefused

ER_MASTER_INFO = 1201
"""A server that is killed during a CHANGE MASTER may lose its relay logs. They can be fetched again."""

RESET_CHANNEL = sql("RESET SLAVE ALL")


def point_channel(connection: Connection, step: PointChannel) -> None:
    """Point the channel. Reset it first if its relay logs prevent that."""
    try:
        run_statements(connection, step, *build_statements(step))
    except DatabaseRefused as error:
        if error.number != ER_MASTER_INFO:
            raise
        run_statements(connection, step, RESET_CHANNEL, *build_statements(step))


def start_channel(connection: Connection, step: StartChannel) -> None:
    """Start the channel. Reset it if its relay logs prevent that: the next pass points it again."""
    try:
        run_statements(connection, step, *build_statements(step))
    except DatabaseRefused as error:
        if error.number == ER_MASTER_INFO:
            run_statements(connection, step, RESET_CHANNEL)
        raise
