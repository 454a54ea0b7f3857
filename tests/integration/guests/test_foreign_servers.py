"""Guests whose database server is not installed on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.guests import GUEST_IMAGES, GuestImage
from guestagent.embedded.guests.services import build_database_service
from tests.support.guest_network import SQL_PROGRAM, TICKER, GuestNetwork


@pytest.fixture(scope="module", params=["guestagent-mariadb-11.8", "guestagent-mysql"])
def guest_image(request: pytest.FixtureRequest) -> GuestImage:
    return GUEST_IMAGES[request.param]


@pytest.fixture
def foreign_cloud(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, guest_image: GuestImage
) -> Iterator[GuestNetwork]:
    """A cloud whose guests run a database server that is not installed on this machine."""
    cloud = GuestNetwork(
        tmp_path / "state", images, free_subnet, (build_database_service(guest_image), TICKER)
    )
    cloud.hypervisor.open()
    yield cloud
    cloud.hypervisor.close()


def test_a_foreign_server_starts_with_the_settings_of_its_image(
    foreign_cloud: GuestNetwork, guest_image: GuestImage
) -> None:
    foreign_cloud.boot("one", image=guest_image.name)
    foreign_cloud.boot("two", image=guest_image.name)

    assert guest_image.flavour is not None
    assert foreign_cloud.execute_sql("one", "SELECT VERSION()").startswith(f"(('{guest_image.flavour.series}")
    assert (
        foreign_cloud.execute_sql("one", "SELECT @@read_only, @@log_bin, @@innodb_buffer_pool_size >> 20")
        == "((1, 1, 64),)"
    )
    assert foreign_cloud.execute_sql("one", "SHOW GRANTS").count("root") >= 1
    if guest_image.family == "mysql":
        foreign_cloud.execute_sql("two", "SELECT 1")  # it has its keys when it answers
        assert foreign_cloud.execute_sql("one", "SELECT @@super_read_only, @@gtid_executed") == "((1, ''),)"
        ids, keys = (
            {foreign_cloud.run_inside(guest, "md5sum", f"/var/lib/mysql/{name}") for guest in ("one", "two")}
            for name in ("auto.cnf", "server-key.pem")
        )
        assert len(ids) == len(keys) == 2


def test_a_foreign_server_survives_a_kill_and_a_reboot(
    foreign_cloud: GuestNetwork, guest_image: GuestImage
) -> None:
    foreign_cloud.boot("one", image=guest_image.name)
    writable = (
        "SET GLOBAL super_read_only = 0" if guest_image.family == "mysql" else "SET GLOBAL read_only = 0"
    )
    foreign_cloud.execute_sql("one", writable, "CREATE DATABASE kept")
    first = foreign_cloud.run_inside("one", "cat", "/run/mysqld/mysqld.pid")

    foreign_cloud.run_inside("one", "kill", "-9", first)
    databases = foreign_cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'")
    foreign_cloud.hypervisor.reboot("one")

    assert databases == foreign_cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"


def test_a_mysql_is_started_again_after_restart(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    guest_image = GUEST_IMAGES["guestagent-mysql"]
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (build_database_service(guest_image),))
    cloud.hypervisor.open()
    try:
        cloud.boot("one", image=guest_image.name)
        first = cloud.execute_sql(
            "one", "SELECT VARIABLE_VALUE FROM performance_schema.global_status LIMIT 0"
        )
        cloud.hypervisor.run_command("one", ["python", "-c", SQL_PROGRAM, "RESTART"])

        assert cloud.execute_sql("one", "SELECT 1") == "((1,),)"
        log = (cloud.hypervisor.find_folder("one") / "var/log/supervisord.log").read_text()
        assert first == "()"
        assert "exited: mysql (exit status 16; not expected)" in log
    finally:
        cloud.hypervisor.close()
