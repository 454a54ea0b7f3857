"""What to do about a local server that does not answer: for every command, the doctor and the passes. Pure."""

from __future__ import annotations

TOO_MANY = "Too many connections"
MORE_CONNECTIONS = "end sessions that are not needed, or raise max_connections"
START = (
    "is the server running (systemctl status mariadb, or mysql), is database.socket its socket, "
    "and is its disk not full?"
)


def advise_on_silence(silence: str) -> str:
    """Return what to do. `silence`: how the server does not answer, as the error says it."""
    return MORE_CONNECTIONS if TOO_MANY in silence else START
