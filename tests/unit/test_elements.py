"""The elements as diskimage-builder reads them; nothing is built here."""

from __future__ import annotations

import configparser
import os
import stat
import subprocess
import sys
from pathlib import Path

import diskimage_builder
import pytest

from guestagent.package_data import find_package_data

ELEMENTS = find_package_data("elements")
TEST_ELEMENTS = Path(__file__).parents[1] / "image/elements"
DISKIMAGE_BUILDER = Path(diskimage_builder.__file__).parent / "elements"
OURS = sorted(path for path in ELEMENTS.iterdir() if path.is_dir())
PHASES = {"root.d", "extra-data.d", "pre-install.d", "install.d", "post-install.d", "cleanup.d"}
SCRIPTS = sorted(path for phase in PHASES for path in ELEMENTS.glob(f"*/{phase}/*"))


def named(path: Path) -> str:
    return str(path.relative_to(ELEMENTS))


def lines(path: Path) -> list[str]:
    return path.read_text().split()


MARIADB = ELEMENTS / "guestagent-mariadb/static/etc/mysql/mariadb.conf.d/90-guestagent.cnf"
MYSQL = ELEMENTS / "guestagent-mysql/static/etc/mysql/mysql.conf.d/zz-guestagent.cnf"


def options(file: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(allow_no_value=True)
    parser.read(file)
    [section] = parser.sections()
    return parser[section]


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_a_script_can_be_run_by_the_build(script: Path) -> None:
    assert script.stat().st_mode & stat.S_IXUSR
    assert script.name[:2].isdigit(), "run-parts orders by number"
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("element", OURS, ids=named)
def test_every_element_that_one_depends_on_exists(element: Path) -> None:
    for name in lines(element / "element-deps"):
        assert (ELEMENTS / name).is_dir() or (DISKIMAGE_BUILDER / name).is_dir(), name


@pytest.mark.parametrize("elements", [ELEMENTS, TEST_ELEMENTS], ids=["shipped", "of the tests"])
def test_the_elements_keep_the_rules_of_diskimage_builder(elements: Path, tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    path = f"{tools}:{os.environ['PATH']}"  # it runs whatever `python` is
    # Relative: dib-lint takes a path with a space for two.
    where = {**os.environ, "PATH": path, "ELEMENTS_DIR": elements.name, "LIB_DIR": str(tmp_path)}

    lint = [tools / "dib-lint"]
    checked = subprocess.run(lint, env=where, cwd=elements.parent, stdout=subprocess.PIPE, text=True)

    assert checked.stdout.endswith("PASS\n"), checked.stdout


def test_a_server_is_safe_until_the_agent_knows_its_role() -> None:
    assert options(MARIADB)["read_only"] == options(MARIADB)["skip_slave_start"] == "1"
    assert options(MYSQL)["super_read_only"] == options(MYSQL)["skip_replica_start"] == "1"


def test_a_server_can_become_a_source_and_lose_nothing() -> None:
    wanted = {"log_bin", "sync_binlog", "innodb_flush_log_at_trx_commit", "relay_log_recovery"}

    assert wanted | {"binlog_format", "log_slave_updates", "gtid_strict_mode"} <= set(options(MARIADB))
    assert wanted | {"gtid_mode", "enforce_gtid_consistency", "log_replica_updates"} <= set(options(MYSQL))
    assert options(MARIADB)["binlog_format"] == "ROW"
    assert options(MYSQL)["gtid_mode"] == "ON"


def test_replicas_elsewhere_can_reach_a_server() -> None:
    assert options(MARIADB)["bind-address"] == options(MYSQL)["bind_address"] == "*"


def test_a_server_writes_its_errors_where_the_agent_reads_them() -> None:
    assert options(MARIADB)["skip_log_error"] == options(MYSQL)["skip_log_error"] == "1"


def test_mysqls_option_file_is_read_after_debians_own() -> None:
    assert MYSQL.name > "mysqld.cnf"


def test_no_guest_gets_the_keys_or_the_name_of_another() -> None:
    cleaned = (ELEMENTS / "guestagent-mysql/cleanup.d/90-guestagent-mysql").read_text()

    assert all(f"-name {what} " in cleaned for what in ("auto.cnf", "'*.pem'", "'binlog.*'"))


@pytest.mark.parametrize("file", [MARIADB, MYSQL], ids=named)
def test_every_option_has_a_reason(file: Path) -> None:
    lines = file.read_text().partition("]\n")[2].splitlines()

    explained = [line for line in lines if line and not line.startswith("#")]
    reasons = [line for line in lines if line.startswith("#")]

    assert len(reasons) >= len(explained) / 2
