"""`guestagent cloud up --heat real` on the command line: a killed cloud, its cleanup by the next one, and removal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.cloud_commands import CloudCommands, build_name
from tests.support.subnets import open_subnet

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def cloud(folder: Path) -> Iterator[CloudCommands]:
    """One cloud for all tests: starting it takes longer than any of them."""
    own_folder = folder / "process"
    own_folder.mkdir(mode=0o711)
    with open_subnet() as subnet:
        commands = CloudCommands(
            own_folder, name=build_name(subnet), options=("--heat", "real", "--subnet", str(subnet))
        )
        yield commands
        commands.run("down", "--purge")


def list_daemons(cloud: CloudCommands) -> list[psutil.Process]:
    processes = json.loads((cloud.state / "heat" / "processes.json").read_text())
    return [psutil.Process(int(pid)) for pid in processes]


def list_logs(cloud: CloudCommands) -> list[Path]:
    return [cloud.state / "cloud.log", *(cloud.state / "heat" / "run" / "log").iterdir()]


def test_daemons_are_unprivileged_and_reveal_no_password(cloud: CloudCommands) -> None:
    cloud.start()

    daemons = list_daemons(cloud)
    visible_text = " ".join(word for each in daemons for word in (*each.cmdline(), *each.environ().values()))
    visible_text += "".join(path.read_text(errors="replace") for path in list_logs(cloud))

    passwords = json.loads((cloud.state / "heat" / "run" / "passwords.json").read_text())
    assert all(each.uids().effective != 0 for each in daemons)
    assert [name for name, password in passwords.items() if password in visible_text] == []


def test_preflight_recommends_hot(cloud: CloudCommands) -> None:
    cloud.start()
    words = [sys.executable, "-m", "guestagent", "cluster", "preflight", "--json"]
    environment = {"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_file), "OS_CLOUD": cloud.name}

    completed = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment
    )

    assert completed.returncode == 0, completed.stderr
    report = json.loads(completed.stdout)
    assert (report["dialect"], report["missing"]) == ("hot", [])
    assert report["endpoints"]["cloudformation"] == cloud.start()["auth_url"].replace(":5000/v3", ":8000/v1/")


def test_the_next_start_removes_a_killed_cloud_and_creates_a_new_one(cloud: CloudCommands) -> None:
    first = cloud.start()
    first_daemons = list_daemons(cloud)
    os.kill(int(first["pid"]), signal.SIGKILL)

    second = cloud.start()

    assert second["auth_url"] == first["auth_url"]
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in first_daemons)
    assert len(list_daemons(cloud)) == len(first_daemons) == 3
    assert cloud.run("status").returncode == 0
    assert cloud.run("up").returncode == 5  # a fake cloud cannot replace this one
    assert cloud.run("down", "--purge").returncode == 0
    assert not cloud.state.exists()
