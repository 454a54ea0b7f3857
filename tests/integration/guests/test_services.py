"""The database server and the other services of a guest, through reboots, kills and power failures."""

from __future__ import annotations

import re

from guestagent.embedded.guests.services import build_control_command
from tests.support.guest_network import GuestNetwork


def test_a_server_starts_with_the_settings_of_an_image(cloud: GuestNetwork) -> None:
    cloud.boot("one")

    settings = cloud.execute_sql(
        "one", "SELECT @@read_only, @@log_bin, @@gtid_strict_mode, @@innodb_buffer_pool_size >> 20"
    )
    accounts = cloud.execute_sql("one", "SELECT user, host FROM mysql.global_priv ORDER BY user")

    assert settings == "((1, 1, 1, 64),)"
    assert accounts == "(('mariadb.sys', 'localhost'), ('root', 'localhost'))"
    assert cloud.execute_sql("one", "SELECT @@gtid_current_pos") == "(('',),)"


def test_a_reboot_keeps_the_disk_and_does_not_repeat_user_data(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\necho once >> /root/runs")
    cloud.execute_sql("one", "CREATE DATABASE kept")
    cloud.run_inside("one", "touch", "/run/volatile")

    cloud.hypervisor.reboot("one")

    assert cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.run_inside("one", "cat", "/root/runs") == "once"
    assert cloud.hypervisor.run_command("one", ["test", "-e", "/run/volatile"]).returncode == 1


def test_a_clean_shutdown_ends_the_database_last(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "SELECT 1")

    cloud.hypervisor.reboot("one")

    logs = cloud.hypervisor.find_folder("one") / "var/log"
    assert "mariadbd: Shutdown complete" in (logs / "mariadb.log").read_text()
    assert re.findall(r"stopped: (\S+)", (logs / "supervisord.log").read_text()) == ["ticker", "mariadb"]


def test_committed_rows_survive_a_power_failure(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql(
        "one", "CREATE DATABASE d", "CREATE TABLE d.t (i INT PRIMARY KEY)", "INSERT INTO d.t VALUES (42)"
    )

    cloud.hypervisor.cut_power("one")
    assert not cloud.hypervisor.is_running("one")
    cloud.hypervisor.reboot("one")

    assert cloud.execute_sql("one", "SELECT i FROM d.t") == "((42,),)"


def test_a_killed_service_is_restarted(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "CREATE DATABASE kept")
    first = cloud.run_inside("one", "cat", "/run/mysqld/mysqld.pid")

    cloud.run_inside("one", "kill", "-9", first)

    assert cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.run_inside("one", "cat", "/run/mysqld/mysqld.pid") != first


def test_one_service_is_stopped_and_started_from_inside(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "SELECT 1")

    cloud.run_inside("one", *build_control_command("stop", "mariadb"))
    exit_code = cloud.hypervisor.run_command("one", ["test", "-e", "/run/mysqld/mysqld.pid"]).returncode
    cloud.run_inside("one", *build_control_command("start", "mariadb"))

    assert exit_code == 1
    assert cloud.execute_sql("one", "SELECT 1") == "((1,),)"


def test_endless_user_data_does_not_delay_a_shutdown(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\ntouch /run/begun\nsleep 1000")
    cloud.run_inside("one", "sh", "-c", "until [ -e /run/begun ]; do sleep 0.1; done")

    cloud.hypervisor.reboot("one")

    assert cloud.execute_sql("one", "SELECT 1") == "((1,),)"
