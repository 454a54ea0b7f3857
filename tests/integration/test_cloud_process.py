"""`guestagent cloud` as a person meets it: a process that is found again, killed, swept, and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.cloud_commands import CloudCommands, build_name

LOCKS = ("lock", "running")
OTHERS = "clouds:\n  theirs:  # kept\n    auth: {auth_url: 'https://theirs'}\n"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[CloudCommands]:
    commands = CloudCommands(tmp_path)
    commands.clouds_file.write_text(OTHERS)
    yield commands
    commands.run("down", "--purge")


def test_a_cloud_whose_up_was_killed_while_it_started_is_ended_all_the_same(cloud: CloudCommands) -> None:
    words = [sys.executable, "-m", "guestagent", "cloud", "up", "--name", cloud.name, *cloud.options]
    words += ["--state", str(cloud.state), "--clouds-file", str(cloud.clouds_file)]
    process = psutil.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (children := process.children()):
        time.sleep(0.005)
    process.kill()
    process.wait()

    completed = cloud.run("down")

    assert completed.returncode == 0
    assert has_ended(children[0].pid)
    assert not cloud.state.exists()


def test_up_writes_an_entry_that_works_and_down_takes_all_of_it_back(cloud: CloudCommands) -> None:
    record = cloud.start()
    answer = requests.get(record["auth_url"], timeout=60)
    private = {
        path.name: path.stat().st_mode & 0o077 for path in cloud.state.iterdir() if path.name not in LOCKS
    }

    completed = cloud.run("down")

    assert answer.json()["version"]["links"][0]["href"] == record["auth_url"] + "/"
    assert set(private) == {"cloud.json", "cloud.log"}
    assert set(private.values()) == {0}
    assert completed.returncode == 0
    assert cloud.clouds_file.read_text() == OTHERS
    assert not cloud.state.exists()
    assert not psutil.pid_exists(int(record["pid"])) or has_ended(int(record["pid"]))


def test_a_second_up_finds_the_first_and_mends_the_entry(cloud: CloudCommands) -> None:
    first = cloud.start()
    entry = cloud.read_entry()
    cloud.clouds_file.write_text(OTHERS)

    second = cloud.start()

    assert second == first
    assert cloud.read_entry() == entry


def test_after_a_kill_the_next_up_starts_anew(cloud: CloudCommands) -> None:
    first = cloud.start()
    os.kill(int(first["pid"]), signal.SIGKILL)
    status = cloud.run("status")

    second = cloud.start()

    assert (status.returncode, status.stdout) == (1, "cloud test is not up\n")
    assert second["pid"] != first["pid"]
    assert cloud.run("status").returncode == 0


def test_status_shows_stacks_servers_and_dangerous_reads(cloud: CloudCommands) -> None:
    record = cloud.start()
    token, urls = authenticate(cloud, record["auth_url"])
    heat = urls["orchestration"]
    condition = {"Handle": {"Ref": "H"}, "Timeout": 60}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "H": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "W": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": condition},
        },
    }
    headers = {"X-Auth-Token": token}
    requests.post(
        f"{heat}/stacks", json={"stack_name": "s", "template": template}, headers=headers, timeout=60
    )
    requests.get(f"{heat}/stacks/s", headers=headers, timeout=60)

    status = json.loads(cloud.run("status", "--json").stdout)

    assert [(row["name"], row["status"]) for row in status["stacks"]] == [("s", "CREATE_IN_PROGRESS")]
    assert [row["read"] for row in status["dangerous_reads"]] == ["stack show with outputs resolved"]


def test_no_password_stands_in_a_process_or_a_log(cloud: CloudCommands) -> None:
    record = cloud.start()

    password = cloud.read_entry()["auth"]["password"]

    process = psutil.Process(int(record["pid"]))
    assert password not in " ".join(process.cmdline())
    assert password not in json.dumps(process.environ())
    assert password not in (cloud.state / "cloud.log").read_text()
    assert password not in json.dumps(record)


def test_two_clouds_run_side_by_side(cloud: CloudCommands, tmp_path: Path) -> None:
    other = CloudCommands(tmp_path / "other", name="other")
    try:
        assert cloud.start()["auth_url"] != other.start()["auth_url"]
    finally:
        other.run("down")


def test_down_is_fine_where_nothing_is_up(cloud: CloudCommands) -> None:
    assert cloud.run("down").returncode == 0


@pytest.mark.parametrize("words", [("--name", "../etc"), ("--name", "a" * 13), ("--subnet", "10.0.0.0/33")])
def test_words_that_make_no_sense_are_exit_code_2(cloud: CloudCommands, words: tuple[str, str]) -> None:
    assert cloud.run("up", *words).returncode == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop its powers")
def test_without_the_right_to_namespaces_it_is_one_sentence_and_exit_code_77(cloud: CloudCommands) -> None:
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    words = [sys.executable, "-m", "guestagent", "cloud", "up", "--name", cloud.name]
    words += ["--state", str(cloud.state), "--clouds-file", str(cloud.clouds_file)]

    completed = subprocess.run([*powerless, *words], capture_output=True, text=True, timeout=60, check=False)

    assert completed.returncode == 77, completed.stderr
    assert len(completed.stderr.splitlines()) == 1
    assert completed.stderr.startswith("guestagent: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="guests need root")
def test_guests_of_a_killed_cloud_are_swept_by_the_next(tmp_path: Path, free_subnet: IPv4Network) -> None:
    cloud = CloudCommands(tmp_path, name=build_name(free_subnet), options=("--subnet", str(free_subnet)))
    bridge = Path("/sys/class/net") / f"ga-{cloud.name}"
    try:
        record = cloud.start()
        gateway = str(next(free_subnet.hosts()))
        launched = boot_server(cloud, record["auth_url"])
        os.kill(int(record["pid"]), signal.SIGKILL)
        left_guests = [path.name for path in (cloud.state / "guests").iterdir()]

        second_record = cloud.start()

        assert record["auth_url"] == second_record["auth_url"] == f"http://{gateway}:5000/v3"
        assert left_guests == [launched]
        assert list((cloud.state / "guests").iterdir()) == []
        assert bridge.exists()
    finally:
        cloud.run("down", "--purge")
    assert not bridge.exists()
    assert not cloud.state.exists()


def boot_server(cloud: CloudCommands, auth_url: str) -> str:
    """Boot one server and wait until it is ACTIVE; its id."""
    token, urls = authenticate(cloud, auth_url)
    nova, headers = urls["compute"], {"X-Auth-Token": token}
    flavor = find_id(f"{nova}/flavors", "flavors", "m1.tiny", headers)
    image = find_id(f"{urls['image']}/v2/images", "images", "guestagent-mariadb", headers)
    body = {"server": {"name": "n", "flavorRef": flavor, "imageRef": image}}
    answer = requests.post(f"{nova}/servers", json=body, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    server_id: str = answer.json()["server"]["id"]
    until = time.monotonic() + 180
    while time.monotonic() < until:
        server = requests.get(f"{nova}/servers/{server_id}", headers=headers, timeout=60).json()["server"]
        if server["status"] != "BUILD":
            assert server["status"] == "ACTIVE", server
            return server_id
        time.sleep(0.1)
    raise AssertionError("the server stays in BUILD")


def find_id(url: str, kind: str, name: str, headers: dict[str, str]) -> str:
    """Return the id of what has this name in a list."""
    rows = requests.get(url, headers=headers, timeout=60).json()[kind]
    return next(str(row["id"]) for row in rows if row["name"] == name)


def authenticate(cloud: CloudCommands, auth_url: str) -> tuple[str, dict[str, str]]:
    """A token, and the addresses of the services by their types."""
    auth = cloud.read_entry()["auth"]
    user = {"name": auth["username"], "domain": {"id": "default"}, "password": auth["password"]}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    answer = requests.post(f"{auth_url}/auth/tokens", json=body, timeout=60)
    catalog = answer.json()["token"]["catalog"]
    return answer.headers["X-Subject-Token"], {each["type"]: each["endpoints"][0]["url"] for each in catalog}


def has_ended(pid: int) -> bool:
    """Return whether a process has ended, even if its parent has not reaped it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
