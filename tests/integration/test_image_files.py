"""The files that the elements put into an image, tried with the programs that will read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pymysql
import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour, build_root_command
from guestagent.package_data import find_package_data
from tests.support.database_servers import install_data_directory, open_server, provide_server_root

UNITS = sorted(find_package_data("systemd").glob("*.service"))
# A unit that cannot be confined gives its reason in a comment that begins so.
CONFINED_UNITS = [unit for unit in UNITS if "# Not confined:" not in unit.read_text()]
MARIADB = (
    find_package_data("elements") / "guestagent-mariadb/static/etc/mysql/mariadb.conf.d/90-guestagent.cnf"
)
MYSQL = find_package_data("elements") / "guestagent-mysql/static/etc/mysql/mysql.conf.d/zz-guestagent.cnf"
VOLUME_UNITS_LIMIT = 40
"""A unit that mounts for the whole machine cannot have a view of its own of the file systems."""
MOST_EXPOSED = 30  # tenths, as systemd-analyze counts: a unit without any protection has 96

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")


def run_program(*command: str | Path) -> str:
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def read_values(flavour: Flavour, option_file: Path, folder: Path) -> dict[str, str]:
    """Return the values with which the server would run."""
    copied = Path(shutil.copy(option_file, folder))
    words = (f"--defaults-file={copied}", f"--datadir={folder}", "--user=root", "--help", "--verbose")
    printed = run_program(*build_root_command(provide_server_root(flavour), (flavour.server_program, *words)))
    assert "unknown variable" not in printed
    return dict(re.findall(r"^([a-z-]+) +(\S+)$", printed, re.M))


@pytest.mark.parametrize("name", ["mariadb1011", "mariadb118"])
def test_mariadb_accepts_every_option_of_the_element(name: str, tmp_path: Path) -> None:
    values = read_values(FLAVOURS[name], MARIADB, tmp_path)

    assert values["read-only"] == values["skip-slave-start"] == values["gtid-strict-mode"] == "TRUE"
    assert values["binlog-format"] == "ROW"
    assert values["log-bin"] == "binlog"


def test_mysql_accepts_every_option_of_the_element(tmp_path: Path) -> None:
    values = read_values(FLAVOURS["mysql97"], MYSQL, tmp_path)

    assert values["super-read-only"] == values["skip-replica-start"] == values["relay-log-recovery"] == "TRUE"
    assert values["gtid-mode"] == values["enforce-gtid-consistency"] == "ON"
    assert values["log-bin"] == "binlog"


def test_the_agent_is_root_over_the_socket_of_a_mysql_that_boots_safely(tmp_path: Path) -> None:
    flavour = FLAVOURS["mysql97"]
    template = install_data_directory(tmp_path / "template", flavour)
    words = [
        line.replace(" = ", "=")
        for line in MYSQL.read_text().splitlines()
        if " = " in line and line[0] != "#"
    ]
    with open_server(tmp_path / "s", template, *words, flavour=flavour) as server:
        assert server.execute("SELECT plugin FROM mysql.user WHERE User = 'root'") == [
            {"plugin": "auth_socket"}
        ]
        assert server.query_value("@@super_read_only") == "1"
        with pytest.raises(pymysql.OperationalError, match="super-read-only"):
            server.execute("CREATE SCHEMA s")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    # The programs that it starts are in an image, not here: something that exists stands for them.
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M))

    assert run_program("systemd-analyze", "verify", copy) == ""


@needs_systemd
@pytest.mark.parametrize("unit", CONFINED_UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_do_little_beside_its_work(unit: Path) -> None:
    limit = VOLUME_UNITS_LIMIT if "volume" in unit.name else MOST_EXPOSED

    run_program("systemd-analyze", "security", "--offline=yes", f"--threshold={limit}", unit)
