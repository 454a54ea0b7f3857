"""The test servers of every flavour, started in each way that the tests need."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pymysql
import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.support.certificates import Certificate, CertificateAuthority
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.network_link import LinkEnd, open_network_link
from tests.support.small_disk import fill_disk, mount_small_disk

REDO_LOG_TIMEOUT_S = 60
REDO_LOG_FILES = 32


@pytest.fixture(scope="session")
def shared_server(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    with open_server(
        tmp_path_factory.mktemp("rig") / "s", data_template, "server-id=7", flavour=flavour
    ) as server:
        yield server


@pytest.fixture
def server(shared_server: DatabaseServer) -> DatabaseServer:
    return shared_server.reset()


def can_log_in(server: DatabaseServer, certificate: Certificate) -> bool:
    """Return whether a client that has the CA trusts the server."""
    server.execute("CREATE USER IF NOT EXISTS visitor@'%' IDENTIFIED BY 'correct horse' REQUIRE SSL")
    try:
        pymysql.connect(
            host="127.0.0.1",
            port=server.port,
            user="visitor",
            password="correct horse",
            ssl_ca=str(certificate.ca),
            ssl_verify_cert=True,
            ssl_verify_identity=True,
        ).close()
    except pymysql.OperationalError as error:
        assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
        return False
    return True


def can_reach(near_end: LinkEnd, server: DatabaseServer) -> bool:
    """Return whether a TCP connection to the server succeeds within a second."""
    script = f"exec 3<>/dev/tcp/{server.address}/{server.port}"
    words = ("ip", "netns", "exec", near_end.namespace, "timeout", "1", "bash", "-c", script)
    return subprocess.run(words, capture_output=True).returncode == 0


@pytest.mark.every_server
def test_a_server_has_the_version_of_its_flavour(server: DatabaseServer) -> None:
    version = server.query_value("VERSION()")

    assert version is not None
    assert version.startswith(server.flavour.series)
    assert ("MariaDB" in version) is (server.flavour.family == "mariadb")


def test_only_root_over_the_socket_can_log_in(server: DatabaseServer) -> None:
    with pytest.raises(pymysql.OperationalError, match=r"1045|1698|1130"):
        pymysql.connect(host="127.0.0.1", port=server.port, user="root", password="")


@pytest.mark.every_server
def test_a_reset_server_has_no_data(server: DatabaseServer) -> None:
    new_position = server.read_position()
    server.execute("CREATE SCHEMA s", "CREATE TABLE s.t (i INT)", "CREATE USER u@'%'", "CREATE ROLE r")

    server.reset()

    assert server.read_position() == new_position
    assert server.execute("SHOW SCHEMAS LIKE 's'") == []
    assert server.query_value("(SELECT COUNT(*) FROM mysql.user WHERE User IN ('u', 'r'))") == "0"


def test_copies_are_different_servers(server: DatabaseServer, data_template: Path, tmp_path: Path) -> None:
    with open_server(tmp_path / "s", data_template, "server-id=8", flavour=server.flavour) as other:
        if server.flavour.family == "mysql":
            assert other.query_value("@@server_uuid") != server.query_value("@@server_uuid")
        assert other.query_value("@@server_id") == "8"


def test_a_killed_server_restarts_with_every_acknowledged_row(
    flavour: Flavour, data_template: Path, tmp_path: Path
) -> None:
    with open_server(tmp_path / "s", data_template, "server-id=8", flavour=flavour) as server:
        server.execute(
            "CREATE SCHEMA s", "CREATE TABLE s.t (i INT PRIMARY KEY)", "INSERT INTO s.t VALUES (5)"
        )

        server.stop(signal.SIGKILL)
        server.start()

        assert server.execute("SELECT i FROM s.t") == [{"i": "5"}]


@pytest.mark.parametrize(
    ("certificate_name", "is_trusted"),
    [("valid", True), ("expired", False), ("other_name", False), ("other_ca", False)],
)
def test_only_the_valid_certificate_is_trusted(
    flavour: Flavour,
    data_template: Path,
    tmp_path: Path,
    authority: CertificateAuthority,
    certificate_name: str,
    is_trusted: bool,
) -> None:
    certificate: Certificate = getattr(authority, certificate_name)
    with open_server(
        tmp_path / "s", data_template, "server-id=8", *certificate.options, flavour=flavour
    ) as server:
        assert can_log_in(server, authority.valid) is is_trusted


def test_a_link_can_be_cut_and_healed(
    flavour: Flavour, data_template: Path, tmp_path: Path, free_subnet: IPv4Network
) -> None:
    with open_network_link(free_subnet) as link:
        near_end, far_end = link.ends
        address = str(near_end.address)
        with open_server(
            tmp_path / "s", data_template, flavour=flavour, address=address, namespace=near_end.namespace
        ) as server:
            reachable_before = can_reach(far_end, server)
            link.cut()
            reachable_while_cut = can_reach(far_end, server)
            link.heal()
            reachable_after = can_reach(far_end, server)

    assert (reachable_before, reachable_while_cut, reachable_after) == (True, False, True)


def test_a_disk_can_be_full_and_is_writable_again(tmp_path: Path) -> None:
    """Without a server: a MySQL may abort at any moment of a full disk, and nothing here depends on that."""
    with mount_small_disk(tmp_path / "disk", 256) as disk:
        fill_disk(disk / "filler")
        free_blocks = os.statvfs(disk).f_bavail
        with pytest.raises(OSError, match="No space left"):
            (disk / "file").write_bytes(b"x" * 4096)
        (disk / "filler").unlink()

        assert free_blocks == 0
        assert (disk / "file").write_bytes(b"x" * 4096) == 4096


def test_a_mysql_can_be_started_again_after_restart(tmp_path: Path) -> None:
    flavour = FLAVOURS["mysql97"]
    template = install_data_directory(tmp_path / "template", flavour)
    with open_server(tmp_path / "s", template, "server-id=8", flavour=flavour) as server:
        reachable_before = server.pid
        server.execute("RESTART")

        server.wait_and_restart()

        assert server.pid != reachable_before
        assert server.query_value("1") == "1"
