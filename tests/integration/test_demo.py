"""`guestagent demo` as a person runs it: it passes, reports that, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.guests.namespace_processes import NAMESPACE_FOLDER
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.host.loop_devices import list_loop_devices
from tests.support.cluster_commands import build_interruptible_argv

DEMO_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo with a name, a folder and a subnet of its own."""

    folder: Path
    subnet: IPv4Network

    @property
    def name(self) -> str:
        return f"demo{str(self.subnet).split('.')[2]}"

    @property
    def location_options(self) -> tuple[str, ...]:
        return (
            "--name",
            self.name,
            "--state",
            f"{self.folder}/state",
            "--clouds-file",
            f"{self.folder}/yaml",
        )

    def start(self, *options: str) -> subprocess.Popen[str]:
        words = [*build_command("demo"), *self.location_options, "--subnet", str(self.subnet), *options]
        return subprocess.Popen(
            build_interruptible_argv(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def down(self) -> None:
        subprocess.run(
            [*build_command("cloud", "down"), *self.location_options], check=True, timeout=DEMO_TIMEOUT_S
        )

    def list_traces(self) -> dict[str, list[str]]:
        """Return the remains of this demo on the machine. The guests' image may stay, for the next one."""
        links = json.loads(subprocess.check_output(["ip", "-json", "-details", "link"]))
        bridge = f"ga-{self.name}"
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        return {
            "links": [link["ifname"] for link in links if bridge in (link["ifname"], link.get("master"))],
            "mounts": [line for line in mounts if str(self.folder) in line],
            "processes": [pid.name for pid in Path("/proc").glob("[0-9]*") if self.is_own_process(pid)],
            "guests": [str(path) for path in self.folder.glob("state/guests/*")],
            "entry": [str(path) for path in self.folder.glob("yaml")],
        }

    def is_own_process(self, process: Path) -> bool:
        """Whether it was started with our folder, or lives on a disk in it."""
        if process.name == str(os.getpid()):
            return False
        try:
            process_text = (process / "cmdline").read_text() + (process / "mountinfo").read_text()
        except OSError:
            return False
        return str(self.folder) in process_text

    def list_namespaces(self) -> list[Path]:
        """Those of the guests that there are now."""
        guests = [path.name for path in self.folder.glob("state/guests/*")]
        return [NAMESPACE_FOLDER / build_link_names(f"ga-{self.name}", guest).namespace for guest in guests]

    def kill_cloud(self) -> None:
        os.kill(json.loads((self.folder / "state/cloud.json").read_text())["pid"], signal.SIGKILL)


@pytest.fixture
def demo(tmp_path: Path, free_subnet: IPv4Network) -> Iterator[Demo]:
    runner = Demo(tmp_path, free_subnet)
    yield runner
    runner.down()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "database",
    ["mariadb", *(pytest.param(name, marks=pytest.mark.patient) for name in ("mariadb-11.8", "mysql"))],
)
def test_the_demo_holds_and_leaves_nothing(demo: Demo, database: str) -> None:
    answer, err = demo.start("--json", "--db", database).communicate(timeout=DEMO_TIMEOUT_S)

    result = json.loads(answer)
    assert result["problems"] == [], err
    assert result["held"]
    assert result["rows"] > 20
    assert [node["name"] for node in result["cluster"]["nodes"]] == ["Master0000", "Slave0000", "Slave0002"]
    assert not any(demo.list_traces().values()), demo.list_traces()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "engine",
    ["natives", *(pytest.param(name, marks=pytest.mark.patient) for name in ("orchestrator", "migration"))],
)
def test_the_demo_of_the_resource_manager_holds_and_leaves_nothing(demo: Demo, engine: str) -> None:
    answer, err = demo.start("--json", "--engine", engine).communicate(timeout=DEMO_TIMEOUT_S)

    result = json.loads(answer)
    assert result["problems"] == [], err
    assert result["held"]
    assert result["rows"] > 20
    assert "the source has proved a file system of 2.0 GiB" in err
    assert [device.file for device in list_loop_devices() if demo.folder in device.file.parents] == []
    assert not (demo.folder / "state/manager").exists()
    assert not any(demo.list_traces().values()), demo.list_traces()


@pytest.mark.timeout(900)
def test_what_a_killed_demo_of_the_resource_manager_left_is_removed(demo: Demo) -> None:
    killed = demo.start("--engine", "natives")
    wait_for(killed, "Master0000 (source, m1.medium) is ready")
    killed.kill()
    killed.communicate()
    demo.kill_cloud()

    demo.down()

    assert [device.file for device in list_loop_devices() if demo.folder in device.file.parents] == []
    assert not (demo.folder / "state/manager").exists()
    assert not any(demo.list_traces().values()), demo.list_traces()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "cloud_too",
    [pytest.param(False, id="demo"), pytest.param(True, id="demo and cloud", marks=pytest.mark.patient)],
)
def test_a_demo_sweeps_what_a_killed_one_left_and_an_interrupted_one_leaves_nothing(
    demo: Demo, cloud_too: bool
) -> None:
    first = demo.start()
    wait_for(first, "Master0000 (source, m1.medium) is ready")
    until = time.monotonic() + DEMO_TIMEOUT_S
    while len(demo.list_namespaces()) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    first.kill()
    first.communicate()
    if cloud_too:
        demo.kill_cloud()
    list_namespaces = demo.list_namespaces()

    second = demo.start()
    swept = wait_for(second, "Master0000 (source, m1.medium) is ready")
    second.send_signal(signal.SIGTERM)
    answer, err = second.communicate(timeout=DEMO_TIMEOUT_S)

    assert len(list_namespaces) == 3
    assert any("removed the remains of an earlier demo" in line for line in swept)
    assert second.returncode == 130, err
    assert answer.splitlines()[-1].startswith("did not hold: interrupted")
    assert not any(namespace.exists() for namespace in list_namespaces)
    assert not any(demo.list_traces().values()), demo.list_traces()


@pytest.mark.timeout(900)
@pytest.mark.patient
def test_what_a_killed_demo_left_is_a_cloud_that_can_be_ended(demo: Demo) -> None:
    killed = demo.start()
    wait_for(killed, "Master0000 (source, m1.medium) is ready")
    killed.kill()
    killed.communicate()

    demo.down()

    assert not any(demo.list_traces().values()), demo.list_traces()


@pytest.mark.timeout(900)
def test_a_kept_demo_shows_how_to_explore_and_end_it(demo: Demo) -> None:
    answer, err = demo.start("--keep").communicate(timeout=DEMO_TIMEOUT_S)

    lines = [line.strip() for line in answer.splitlines()]
    commands = [line for line in lines if line.startswith(("guestagent ", "export "))]
    script = "\n".join(command for command in commands if "add-replica" not in command)
    path = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH\n"
    explored = subprocess.run(
        ["bash", "-ec", path + script], capture_output=True, text=True, timeout=DEMO_TIMEOUT_S
    )
    assert lines[-1].startswith("held: "), err
    assert explored.returncode == 0, explored.stderr
    assert "Slave0000 (replica): ready" in explored.stdout
    assert not any(demo.list_traces().values()), demo.list_traces()


def test_one_demo_at_a_time(demo: Demo) -> None:
    first = demo.start()
    wait_for(first, "starting a cloud")

    second = demo.start()
    _, err = second.communicate(timeout=DEMO_TIMEOUT_S)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=DEMO_TIMEOUT_S)

    assert second.returncode == 5
    assert err == "guestagent: another demo is running on this machine: wait until it ends\n"
    assert first.returncode == 130
    assert not any(demo.list_traces().values()), demo.list_traces()


def test_a_machine_without_namespaces_gets_one_sentence_as_error(tmp_path: Path) -> None:
    powerless = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    words = [*powerless, *build_command("demo"), "--state", f"{tmp_path}/state"]

    completed = subprocess.run(words, capture_output=True, text=True, timeout=DEMO_TIMEOUT_S)

    assert completed.returncode == 77
    assert completed.stderr.startswith("guestagent: this machine does not allow namespaces")
    assert len(completed.stderr.splitlines()) == 1


def test_a_machine_without_loop_devices_gets_one_sentence_as_error(tmp_path: Path) -> None:
    """The demo of the resource manager needs them; the other one does not."""
    nodes = "mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/tty c 5 0; mknod -m 666 /dev/urandom c 1 9; mkdir /dev/pts"
    words = shlex.join([*build_command("demo"), "--engine", "natives", "--state", f"{tmp_path}/state"])
    script = f"mount -t tmpfs tmpfs /dev; {nodes}; exec {words}"

    completed = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", script], capture_output=True, text=True, timeout=DEMO_TIMEOUT_S
    )

    assert completed.returncode == 77, completed.stderr
    assert completed.stderr.startswith("guestagent: this machine has no loop devices")
    assert len(completed.stderr.splitlines()) == 1


def build_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "guestagent", *words]


def wait_for(process: subprocess.Popen[str], text: str) -> list[str]:
    """Read its stderr up to the line that contains `text`, and return it."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError("".join(lines))
