"""`guestagent cloud up --heat real` as a person meets it: killed, swept by the next, and gone without a trace."""

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

from tests.integration.test_cloud_process import CloudCommands, build_name
from tests.support.subnets import open_subnet

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def cloud(folder: Path) -> Iterator[CloudCommands]:
    """One for all: a start takes longer than what is asked here."""
    own = folder / "process"
    own.mkdir(mode=0o711)
    with open_subnet() as subnet:
        made = CloudCommands(
            own, name=build_name(subnet), options=("--heat", "real", "--subnet", str(subnet))
        )
        yield made
        made.run("down", "--purge")


def daemons(cloud: CloudCommands) -> list[psutil.Process]:
    written = json.loads((cloud.state / "heat" / "processes.json").read_text())
    return [psutil.Process(int(pid)) for pid in written]


def logs(cloud: CloudCommands) -> list[Path]:
    return [cloud.state / "cloud.log", *(cloud.state / "heat" / "run" / "log").iterdir()]


def test_daemons_have_no_rights_and_show_no_password(cloud: CloudCommands) -> None:
    cloud.start()

    running = daemons(cloud)
    shown = " ".join(word for each in running for word in (*each.cmdline(), *each.environ().values()))
    shown += "".join(path.read_text(errors="replace") for path in logs(cloud))

    passwords = json.loads((cloud.state / "heat" / "run" / "passwords.json").read_text())
    assert all(each.uids().effective != 0 for each in running)
    assert [name for name, password in passwords.items() if password in shown] == []


def test_the_preflight_finds_the_better_dialect(cloud: CloudCommands) -> None:
    cloud.start()
    words = [sys.executable, "-m", "guestagent", "cluster", "preflight", "--json"]
    where = {"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_file), "OS_CLOUD": cloud.name}

    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env=os.environ | where
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["dialect"], told["missing"]) == ("hot", [])
    assert told["endpoints"]["cloudformation"] == cloud.start()["auth_url"].replace(":5000/v3", ":8000/v1/")


def test_a_killed_cloud_is_swept_by_the_next_which_is_new(cloud: CloudCommands) -> None:
    told = cloud.start()
    first = daemons(cloud)
    os.kill(int(told["pid"]), signal.SIGKILL)

    again = cloud.start()

    assert again["auth_url"] == told["auth_url"]
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in first)
    assert len(daemons(cloud)) == len(first) == 3
    assert cloud.run("status").returncode == 0
    assert cloud.run("up").returncode == 5  # for a fake one, in the place of this
    assert cloud.run("down", "--purge").returncode == 0
    assert not cloud.state.exists()
