"""`guestagent cloud up --heat real` as a person meets it: killed, swept by the next, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import psutil
import pytest

from tests.integration.test_cloud_process import Cloud

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def cloud(folder: Path, free_subnet: IPv4Network) -> Iterator[Cloud]:
    own = folder / "process"
    own.mkdir(mode=0o711, exist_ok=True)
    made = Cloud(own, name=f"r{os.getpid() % 100000}", options=("--heat", "real", "--subnet", str(free_subnet)))
    yield made
    made.run("down", "--purge")


def daemons(cloud: Cloud) -> list[psutil.Process]:
    written = json.loads((cloud.state / "heat" / "processes.json").read_text())
    return [psutil.Process(int(pid)) for pid in written]


def logs(cloud: Cloud) -> list[Path]:
    return [cloud.state / "cloud.log", *(cloud.state / "heat" / "run" / "log").iterdir()]


def test_a_killed_cloud_is_swept_by_the_next_which_is_new(cloud: Cloud) -> None:
    told = cloud.up()
    first = daemons(cloud)
    os.kill(int(told["pid"]), signal.SIGKILL)

    again = cloud.up()

    assert again["auth_url"] == told["auth_url"]
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in first)
    assert len(daemons(cloud)) == len(first) == 3
    assert cloud.run("status").returncode == 0
    assert cloud.run("up").returncode == 5  # for a fake one, in the place of this
    assert cloud.run("down", "--purge").returncode == 0
    assert not cloud.state.exists()


def test_daemons_have_no_rights_and_show_no_password(cloud: Cloud) -> None:
    cloud.up()

    running = daemons(cloud)
    shown = " ".join(word for each in running for word in (*each.cmdline(), *each.environ().values()))
    shown += "".join(path.read_text(errors="replace") for path in logs(cloud))

    passwords = json.loads((cloud.state / "heat" / "run" / "passwords.json").read_text())
    assert all(each.uids().effective != 0 for each in running)
    assert [name for name, password in passwords.items() if password in shown] == []
