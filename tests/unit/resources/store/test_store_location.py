"""The URL of a store: what it may say, and what is never shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.errors import InvalidInput
from guestagent.resources.store.store_location import StoreFile, StoreServer, StoreTls, read_store_location
from guestagent.secret import Secret

SERVER = "mysql+pymysql://keeper:hidden%40word@db.example/store"


def read_server(url: str) -> StoreServer:
    location = read_store_location(Secret(url))
    assert isinstance(location, StoreServer)
    return location


def test_four_slashes_name_a_file() -> None:
    location = read_store_location(Secret("sqlite:////var/lib/guest%20agent/store.db"))

    assert location == StoreFile(Path("/var/lib/guest agent/store.db"))


def test_a_server_has_a_password_that_is_not_shown() -> None:
    server = read_server(SERVER)

    assert (server.host, server.port, server.user, server.database) == ("db.example", 3306, "keeper", "store")
    assert server.password.reveal() == "hidden@word"
    assert str(server) == "database store on db.example:3306"
    assert "hidden" not in repr(server)


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        (SERVER, StoreTls()),
        (f"{SERVER}?ssl_ca=/ca.pem", StoreTls("/ca.pem")),
        (f"{SERVER}?ssl_ca=/ca.pem&ssl_cert=/c.pem&ssl_key=/k.pem", StoreTls("/ca.pem", "/c.pem", "/k.pem")),
        (f"{SERVER}?ssl_disabled=true", None),
        (SERVER.replace("db.example", "127.0.0.1"), None),
        (SERVER.replace("db.example", "[::1]:3307"), None),
        (SERVER.replace("db.example", "localhost"), None),
        (SERVER.replace("db.example", "localhost") + "?ssl_ca=/ca.pem", StoreTls("/ca.pem")),
        (f"{SERVER}?unix_socket=/run/mysqld/mysqld.sock", None),
    ],
)
def test_a_connection_to_another_host_uses_tls(url: str, tls: StoreTls | None) -> None:
    assert read_server(url).tls == tls


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hidden",
        "sqlite:///hidden/store.db",
        "sqlite://hidden/store.db",
        "sqlite:////hidden/store.db?mode=memory",
        "postgresql://keeper:hidden@db.example/store",
        "mysql+pymysql://keeper:hidden@db.example:port/store",
        "mysql+pymysql://keeper:hidden@[db/store",
        "mysql+pymysql://db.example/hidden",
        "mysql+pymysql://keeper:hidden@db.example/",
        "mysql+pymysql://keeper:hidden@db.example/store/hidden",
        "mysql+pymysql://keeper:hid#den@db.example/store",
        f"{SERVER}?password=hidden",
        f"{SERVER}?ssl_disabled=hidden",
        f"{SERVER}?ssl_disabled=true&ssl_ca=/hidden",
        f"{SERVER}?ssl_cert=/hidden",
    ],
)
def test_a_bad_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(InvalidInput, match="store: expected sqlite:////absolute/path, or mysql") as error:
        read_store_location(Secret(url))

    assert "hid" not in str(error.value)
    assert error.value.__context__ is None or error.value.__suppress_context__
