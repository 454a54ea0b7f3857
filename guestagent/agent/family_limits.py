"""What a document asks for that other servers can do and this one cannot, found before anything is tried. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.model import DesiredState
from guestagent.database.mysql.statements import MARKER_ROLE
from guestagent.database.state import ServerState
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret

MYSQL_PASSWORD_BYTES_LIMIT = 32
"""MySQL says characters (error 3056) and counts bytes; MariaDB takes 96."""

Refusal = tuple[str, str, str, str]


def find_family_limit(desired: DesiredState, server: ServerState) -> Refusal | None:
    """The first wish that cannot come true: (condition, wanted, seen, what to do)."""
    if server.history.family == "MySQL":
        found = _find_reserved_name(desired) or _find_long_password(desired)
        if found is not None:
            return found
    return _find_lost_name(desired, server) or _find_missing_tls(desired, server)


def _find_reserved_name(desired: DesiredState) -> Refusal | None:
    if all(wanted.account.name != MARKER_ROLE for wanted in desired.accounts):
        return None
    wanted = "a name that the agent does not use itself"
    return (
        "user name",
        wanted,
        f"{MARKER_ROLE}, the role with which it marks its accounts on MySQL",
        "choose another name",
    )


def _find_long_password(desired: DesiredState) -> Refusal | None:
    for name, password in _passwords(desired):
        size = len(password.reveal().encode("utf-8", "surrogatepass"))
        if size > MYSQL_PASSWORD_BYTES_LIMIT:
            wanted = f"at most {MYSQL_PASSWORD_BYTES_LIMIT} bytes in UTF-8: a channel of MySQL takes no more"
            return (
                f"password of {name}",
                wanted,
                f"{size} bytes",
                "give the user a shorter one, or one in ASCII",
            )
    return None


def _passwords(desired: DesiredState) -> Iterator[tuple[str, Secret]]:
    named = [(wanted.account.name, wanted.password) for wanted in desired.accounts]
    if desired.source is not None:
        named.append((str(desired.source.user.name), desired.source.user.password))
    for name, password in named:
        if not isinstance(password, UnresolvedFunction):
            yield name, password


def _find_lost_name(desired: DesiredState, server: ServerState) -> Refusal | None:
    """A channel sends the name in UTF-8 and calls it what the server's character set was at its start."""
    name = "" if desired.source is None else str(desired.source.user.name)
    if name.isascii() or not server.channel_charset or server.channel_charset.startswith("utf8"):
        return None
    return (
        "user name",
        f"one in ASCII, or a server that was started with character_set_server=utf8mb4: {name}",
        f"a server that was started with {server.channel_charset}, whose channels garble other names",
        "set character_set_server=utf8mb4 in the option file and restart the server, or choose another name",
    )


def _find_missing_tls(desired: DesiredState, server: ServerState) -> Refusal | None:
    """Without accounts a source keeps nobody out who should come in."""
    if not (desired.requires_secure_transport and desired.accounts and server.tls is False):
        return None
    return (
        "TLS",
        "a server that offers TLS, for require_secure_transport rejects every other login",
        "one without it",
        "set ssl_cert and ssl_key in its option file and restart it, or leave require_secure_transport out",
    )
