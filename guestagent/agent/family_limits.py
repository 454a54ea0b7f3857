"""Limits of a database family that a document exceeds, found before anything is tried. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.model import DesiredState
from guestagent.agent.refusal import Refusal
from guestagent.database.account_marker import MARKER_ROLE
from guestagent.database.state import ServerState
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret

MYSQL_PASSWORD_BYTES_LIMIT = 32
"""MySQL's message mentions characters (error 3056), but MySQL counts bytes; MariaDB accepts 96."""


def find_family_limit(desired: DesiredState, server: ServerState) -> Refusal | None:
    """Return the first request of the document that this server cannot fulfil."""
    if server.history.family == "MySQL":
        limit = _find_reserved_name(desired) or _find_long_password(desired)
        if limit is not None:
            return limit
    return _find_lost_name(desired, server) or _find_missing_tls(desired, server)


def _find_reserved_name(desired: DesiredState) -> Refusal | None:
    if all(each.account.name != MARKER_ROLE for each in desired.accounts):
        return None
    return Refusal(
        "user name",
        "a name that the agent does not use itself",
        f"{MARKER_ROLE}, the role with which it marks its accounts on MySQL",
        "choose another name",
    )


def _find_long_password(desired: DesiredState) -> Refusal | None:
    for name, password in _iterate_passwords(desired):
        size = len(password.reveal().encode("utf-8", "surrogatepass"))
        if size > MYSQL_PASSWORD_BYTES_LIMIT:
            return Refusal(
                f"password of {name}",
                f"at most {MYSQL_PASSWORD_BYTES_LIMIT} bytes in UTF-8, the limit of a MySQL channel",
                f"{size} bytes",
                "give the user a shorter one, or one in ASCII",
            )
    return None


def _iterate_passwords(desired: DesiredState) -> Iterator[tuple[str, Secret]]:
    passwords = [(each.account.name, each.password) for each in desired.accounts]
    if desired.source is not None:
        passwords.append((str(desired.source.user.name), desired.source.user.password))
    for name, password in passwords:
        if not isinstance(password, UnresolvedFunction):
            yield name, password


def _find_lost_name(desired: DesiredState, server: ServerState) -> Refusal | None:
    """Refuse a name outside ASCII that the channel garbles.

    A channel sends the name in UTF-8, but declares it to be in the character set that the server had at its start.
    """
    name = "" if desired.source is None else str(desired.source.user.name)
    if name.isascii() or not server.channel_charset or server.channel_charset.startswith("utf8"):
        return None
    return Refusal(
        "user name",
        f"one in ASCII, or a server that was started with character_set_server=utf8mb4: {name}",
        f"a server that was started with {server.channel_charset}, whose channels garble other names",
        "set character_set_server=utf8mb4 in the option file and restart the server, or choose another name",
    )


def _find_missing_tls(desired: DesiredState, server: ServerState) -> Refusal | None:
    """Refuse require_secure_transport without TLS. A source without accounts locks nobody out."""
    if not (desired.requires_secure_transport and desired.accounts and server.tls is False):
        return None
    return Refusal(
        "TLS",
        "a server that offers TLS, because require_secure_transport rejects every other login",
        "one without it",
        "set ssl_cert and ssl_key in its option file and restart it, or leave require_secure_transport out",
    )
