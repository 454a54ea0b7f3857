"""What the elements put into an image, tried with the programs that will read it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guestagent.shipped import shipped

UNITS = sorted(shipped("systemd").glob("*.service"))
OPTION_FILE = shipped("elements") / "guestagent-mariadb/static/etc/mysql/mariadb.conf.d/90-guestagent.cnf"
MOST_EXPOSED = 30  # tenths, as systemd-analyze counts: a unit without any protection has 96

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")


def output(*command: str | Path) -> str:
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_mariadb_takes_every_option_of_ours(tmp_path: Path) -> None:
    help_text = output(
        "/usr/sbin/mariadbd",
        f"--defaults-file={OPTION_FILE}",
        f"--datadir={tmp_path}",
        "--user=root",
        "--help",
        "--verbose",
    )

    values = dict(re.findall(r"^([a-z-]+) +(\S+)$", help_text, re.M))
    assert values["read-only"] == values["skip-slave-start"] == values["gtid-strict-mode"] == "TRUE"
    assert values["binlog-format"] == "ROW"
    assert values["log-bin"] == "binlog"
    assert "unknown variable" not in help_text


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    # The programs that it starts are in an image, not here: something that exists stands for them.
    here = tmp_path / unit.name
    here.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M))

    assert output("systemd-analyze", "verify", here) == ""


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_do_little_beside_its_work(unit: Path) -> None:
    output("systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", unit)
