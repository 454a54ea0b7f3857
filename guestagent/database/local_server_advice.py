"""Advice for a local server that does not respond, for all commands, the doctor and the passes. Pure."""

from __future__ import annotations

TOO_MANY_CONNECTIONS = "Too many connections"
CONNECTION_LIMIT_ADVICE = "end sessions that are not needed, or raise max_connections"
SERVER_START_ADVICE = (
    "check that the server is running (systemctl status mariadb, or mysql), that database.socket is its socket, "
    "and that its disk is not full"
)


def get_connection_advice(error_text: str) -> str:
    """Return advice for the text of a connection error."""
    return CONNECTION_LIMIT_ADVICE if TOO_MANY_CONNECTIONS in error_text else SERVER_START_ADVICE
