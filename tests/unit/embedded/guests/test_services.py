"""The services of a guest in the supervisor's configuration."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

from guestagent.embedded.guests.images import GUEST_IMAGES
from guestagent.embedded.guests.services import (
    GuestService,
    build_control_command,
    build_database_service,
    build_supervisor_config,
    list_image_services,
)
from guestagent.package_data import find_package_data


def read(*services: GuestService) -> RawConfigParser:
    parser = RawConfigParser()
    parser.read_string(build_supervisor_config(services))
    return parser


def test_services_end_in_the_opposite_order_of_their_start() -> None:
    config = read(GuestService("database", ("/db",)), GuestService("agent", ("/agent",)))

    assert config.getint("program:database", "priority") < config.getint("program:agent", "priority")


def test_a_service_runs_as_its_user_with_its_environment() -> None:
    config = read(GuestService("db", ("/db", "a b"), user="mysql", environment=(("LC_ALL", "C"), ("X", "1"))))

    assert config.get("program:db", "command") == "/db 'a b'"
    assert config.get("program:db", "user") == "mysql"
    assert config.get("program:db", "environment") == 'LC_ALL="C",X="1"'


def test_a_percent_sign_is_not_a_variable_of_the_supervisor() -> None:
    assert read(GuestService("db", ("/db", "100%"))).get("program:db", "command") == "/db 100%%"


def test_each_service_has_a_log_and_is_never_given_up() -> None:
    config = read(*list_image_services())

    for name in ("mariadb", "os-collect-config", "guestagent"):
        assert config.get(f"program:{name}", "stdout_logfile") == f"/var/log/{name}.log"
        assert config.getboolean(f"program:{name}", "autorestart")
        assert config.getint(f"program:{name}", "startretries") > 100_000


def test_an_embedded_guest_runs_what_the_units_of_an_image_run() -> None:
    units = {path.stem: path.read_text() for path in find_package_data("systemd").glob("*.service")}
    # The guest's own boot does what an image's units do once.
    units = {name: unit for name, unit in units.items() if "Type=oneshot" not in unit}
    programs = {
        service.name: service for service in list_image_services(programs=Path("/opt/guestagent/bin"))
    }

    assert set(units) < set(programs)
    for name, unit in units.items():
        assert f"ExecStart={' '.join(programs[name].argv)}\n" in unit


def test_a_mysql_knows_that_it_has_a_supervisor() -> None:
    mysql, mariadb = (
        build_database_service(GUEST_IMAGES[f"guestagent-{name}"]) for name in ("mysql", "mariadb-11.8")
    )

    assert mysql.environment == (("MYSQLD_PARENT_PID", "1"),)
    assert mysql.argv == ("/usr/sbin/chroot", "/run/server", "/usr/sbin/mysqld", "--user=mysql")
    assert mariadb.environment == ()


def test_the_agent_has_a_command_for_the_service() -> None:
    assert build_control_command("restart", "mariadb")[1:] == (
        "-m", "supervisor.supervisorctl", "-c", "/etc/embedded/supervisord.conf", "restart", "mariadb",
    )  # fmt: skip
