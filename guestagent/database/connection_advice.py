"""What to do about a local server that does not answer: for every command, the doctor and the passes. Pure."""

from __future__ import annotations

TOO_MANY_CONNECTIONS = "Too many connections"
CONNECTION_LIMIT_ADVICE = "end sessions that are not needed, or raise max_connections"
SERVER_START_ADVICE = (
    "is the server running (systemctl status mariadb, or mysql), is database.socket its socket, "
    "and is its disk not full?"
)


def get_connection_advice(silence: str) -> str:
    """Return what to do. `silence`: how the server does not answer, as the error says it."""
    return CONNECTION_LIMIT_ADVICE if TOO_MANY_CONNECTIONS in silence else SERVER_START_ADVICE
