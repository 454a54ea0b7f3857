"""The elements as diskimage-builder reads them; nothing is built here."""

from __future__ import annotations

import configparser
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import diskimage_builder
import pytest
import yaml

from guestagent.shipped import shipped

ELEMENTS = shipped("elements")
DISKIMAGE_BUILDER = Path(diskimage_builder.__file__).parent / "elements"
OURS = sorted(path for path in ELEMENTS.iterdir() if path.is_dir())
PHASES = {"extra-data.d", "install.d", "post-install.d", "cleanup.d"}
SCRIPTS = sorted(path for phase in PHASES for path in ELEMENTS.glob(f"*/{phase}/*"))


def named(path: Path) -> str:
    return str(path.relative_to(ELEMENTS))


def lines(path: Path) -> list[str]:
    return path.read_text().split()


def options() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(allow_no_value=True)
    parser.read(ELEMENTS / "guestagent-mariadb/static/etc/mysql/mariadb.conf.d/90-guestagent.cnf")
    return parser["mariadbd"]


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_a_script_can_be_run_by_the_build(script: Path) -> None:
    assert script.stat().st_mode & stat.S_IXUSR
    assert script.name[:2].isdigit(), "run-parts orders by number"
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("element", OURS, ids=named)
def test_every_element_that_one_depends_on_exists(element: Path) -> None:
    for name in lines(element / "element-deps"):
        assert (ELEMENTS / name).is_dir() or (DISKIMAGE_BUILDER / name).is_dir(), name


@pytest.mark.parametrize("element", OURS, ids=named)
def test_every_package_has_a_name_on_every_family(element: Path) -> None:
    packages = yaml.safe_load((element / "package-installs.yaml").read_text())
    names = json.loads((element / "pkg-map").read_text())

    assert set(packages) <= set(names["default"])


def test_the_elements_keep_the_rules_of_diskimage_builder(tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    path = f"{tools}:{os.environ['PATH']}"  # it runs whatever `python` is
    where = {**os.environ, "PATH": path, "ELEMENTS_DIR": str(ELEMENTS), "LIB_DIR": str(tmp_path)}

    lint = [tools / "dib-lint"]
    checked = subprocess.run(lint, env=where, cwd=ELEMENTS.parent, stdout=subprocess.PIPE, text=True)

    assert checked.stdout.endswith("PASS\n"), checked.stdout


def test_a_server_is_safe_until_the_agent_knows_its_role() -> None:
    assert options()["read_only"] == "1"
    assert options()["skip_slave_start"] == "1"


def test_a_server_can_become_a_source_and_lose_nothing() -> None:
    wanted = {"log_bin", "binlog_format", "log_slave_updates", "gtid_strict_mode", "sync_binlog"}

    assert wanted <= set(options())
    assert options()["binlog_format"] == "ROW"
    assert options()["bind-address"] == "0.0.0.0"  # noqa: S104  # replicas are elsewhere


def test_every_option_says_why() -> None:
    text = (ELEMENTS / "guestagent-mariadb/static/etc/mysql/mariadb.conf.d/90-guestagent.cnf").read_text()
    blocks = text.split("[mariadbd]\n")[1].strip().splitlines()

    explained = [line for line in blocks if line and not line.startswith("#")]
    reasons = [line for line in blocks if line.startswith("#")]

    assert len(reasons) >= len(explained) / 2
