"""Guests as namespaces, with real database servers: what they have of their own, and that nothing of them stays."""

from __future__ import annotations

import json
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.guests import (
    GUEST_IMAGES,
    GuestImage,
    GuestService,
    NamespaceHypervisor,
    list_image_services,
)
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.embedded.guests.services import build_control_command, build_database_service
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError, UnsupportedEnvironment

DATABASE = list_image_services()[0]
TICKER = GuestService("ticker", ("/bin/sh", "-c", "while :; do date; sleep 1; done"), stop_seconds=2)
SQL = """
import sys, time, pymysql
for attempt in range(200):
    try:
        its = pymysql.connect(unix_socket="/run/mysqld/mysqld.sock", user="root", autocommit=True)
        break
    except pymysql.err.OperationalError:
        time.sleep(0.1)
cursor = its.cursor()
for statement in sys.argv[1:]:
    cursor.execute(statement)
print(cursor.fetchall())
"""
KNOCK = """
import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10).recv(64))
"""


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path / "state", images, free_subnet, (DATABASE, TICKER))
    cloud.hypervisor.open()
    yield cloud
    cloud.hypervisor.close()


def test_a_bridge_that_cannot_be_addressed_is_taken_away(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    failing = NamespaceHypervisor(
        tmp_path / "state", "gatestfail", str(free_subnet[1]), 33, (TICKER,), images
    )

    with pytest.raises(CloudError, match="addressing bridge gatestfail"):
        failing.open()

    assert not Path("/sys/class/net/gatestfail").exists()


class Cloud:
    """A hypervisor and its subnet; guests get the addresses from .10 on in the order of booting."""

    def __init__(
        self, state: Path, images: Path, subnet: IPv4Network, services: tuple[GuestService, ...]
    ) -> None:
        self.state, self.images, self.subnet = state, images, subnet
        self.bridge = f"gatest{str(subnet.network_address).split('.')[2]}"
        self.hypervisor = NamespaceHypervisor(state, self.bridge, self.gateway, 24, services, images)
        self.booted = 0

    @property
    def gateway(self) -> str:
        return str(self.subnet[1])

    def boot(self, guest_id: str, user_data: str = "", image: str = "guestagent-mariadb") -> Guest:
        address = str(self.subnet[10 + self.booted])
        self.booted += 1
        name = f"Stack-{guest_id}"
        flavor = ("m1.tiny", 1, 256, image)
        guest = Guest(guest_id, name, address, 24, self.gateway, *flavor, user_data.encode())
        self.hypervisor.boot(guest)
        return guest

    def said(self, guest_id: str, *argv: str) -> str:
        done = self.hypervisor.run_command(guest_id, argv)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sql(self, guest_id: str, *statements: str) -> str:
        return self.said(guest_id, "python", "-c", SQL, *statements)

    def traces(self) -> dict[str, list[str]]:
        """Whatever on this machine has to do with this cloud; other tests and clouds do not disturb it."""
        links = json.loads(output("ip", "-json", "link"))
        ours = [link["ifname"] for link in links if self.bridge in (link["ifname"], link.get("master"))]
        mounts = [
            line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.state) in line
        ]
        folder = self.state / "guests"
        return {
            "links": ours,
            "mounts": mounts,
            "processes": [
                pid.name for pid in Path("/proc").iterdir() if pid.name.isdigit() and self.holds(pid)
            ],
            "disks": [path.name for path in folder.iterdir()] if folder.is_dir() else [],
        }

    def holds(self, process: Path) -> bool:
        """Whether it sees a guest's mounts, or was started with our state folder in its command line."""
        own = Path("/proc/self/ns/mnt").readlink()
        try:
            inside = (process / "ns/mnt").readlink() != own and f"{self.state}/" in (
                process / "mountinfo"
            ).read_text()
            return inside or f"{self.state}/" in (process / "cmdline").read_text()
        except OSError:
            return False


NOTHING: dict[str, list[str]] = {"links": [], "mounts": [], "processes": [], "disks": []}


def output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def welcome(server: socket.socket) -> None:
    with server.accept()[0] as visitor:
        visitor.sendall(b"welcome")


def namespaces() -> set[str]:
    return {line.split()[0] for line in output("ip", "netns").splitlines()}


def test_a_guest_has_an_own_name_address_and_folders(cloud: Cloud) -> None:
    cloud.boot("one", "#!/bin/sh\necho one | tee /etc/own /var/own /run/own /tmp/own /root/own")
    two = cloud.boot("two")

    assert cloud.said("one", "hostname") == "stack-one"
    assert cloud.said("two", "cat", "/etc/hostname") == "stack-two"
    assert f"inet {two.address}/24" in cloud.said("two", "ip", "address", "show", "eth0")
    for folder in ("/etc", "/var", "/run", "/tmp", "/root"):
        assert cloud.hypervisor.run_command("two", ["test", "-e", f"{folder}/own"]).returncode == 1
        assert not Path(folder, "own").exists()


def test_guests_reach_each_other_and_the_gateway(cloud: Cloud) -> None:
    one, two = cloud.boot("one"), cloud.boot("two")
    cloud.sql("one", "SELECT 1")
    cloud.sql("two", "SELECT 1")

    with socket.create_server((cloud.gateway, 0)) as server:
        threading.Thread(target=welcome, args=(server,), daemon=True).start()
        port = str(server.getsockname()[1])
        assert cloud.said("one", "python", "-c", KNOCK, cloud.gateway, port) == "b'welcome'"
    assert "Maria" in cloud.said("one", "python", "-c", KNOCK, two.address, "3306")
    assert "Maria" in cloud.said("two", "python", "-c", KNOCK, one.address, "3306")


def test_the_gateway_keeps_its_mac_whoever_comes_and_goes(cloud: Cloud) -> None:
    """A bridge without one of its own takes the lowest of its wires', and the others go on sending to who is gone."""
    seen = []
    for guest in ("one", "two", "three"):
        cloud.boot(guest)
        seen.append(mac(cloud.bridge))
    for guest in ("one", "two", "three"):
        cloud.hypervisor.destroy(guest)
        seen.append(mac(cloud.bridge))

    assert len(set(seen)) == 1


def mac(link: str) -> str:
    return str(json.loads(output("ip", "-json", "link", "show", "dev", link))[0]["address"])


def test_user_data_is_executed_inside_and_only_there(cloud: Cloud) -> None:
    cloud.boot("one", "#!/bin/sh\ntouch /ran || id -un > /var/ran-as; hostname > /etc/ran-on")

    cloud.sql("one", "SELECT 1")

    assert cloud.said("one", "cat", "/var/ran-as", "/etc/ran-on") == "root\nstack-one"
    assert not any(Path(path).exists() for path in ("/ran", "/var/ran-as", "/etc/ran-on"))
    assert (
        "Read-only file system"
        in (cloud.hypervisor.find_folder("one") / "var/log/cloud-init-output.log").read_text()
    )


def test_a_server_starts_as_an_image_leaves_it(cloud: Cloud) -> None:
    cloud.boot("one")

    settings = cloud.sql(
        "one", "SELECT @@read_only, @@log_bin, @@gtid_strict_mode, @@innodb_buffer_pool_size >> 20"
    )
    accounts = cloud.sql("one", "SELECT user, host FROM mysql.global_priv ORDER BY user")

    assert settings == "((1, 1, 1, 64),)"
    assert accounts == "(('mariadb.sys', 'localhost'), ('root', 'localhost'))"
    assert cloud.sql("one", "SELECT @@gtid_current_pos") == "(('',),)"


def test_a_reboot_keeps_the_disk_and_does_not_repeat_user_data(cloud: Cloud) -> None:
    cloud.boot("one", "#!/bin/sh\necho once >> /root/runs")
    cloud.sql("one", "CREATE DATABASE kept")
    cloud.said("one", "touch", "/run/volatile")

    cloud.hypervisor.reboot("one")

    assert cloud.sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.said("one", "cat", "/root/runs") == "once"
    assert cloud.hypervisor.run_command("one", ["test", "-e", "/run/volatile"]).returncode == 1


def test_a_clean_shutdown_ends_the_database_last(cloud: Cloud) -> None:
    cloud.boot("one")
    cloud.sql("one", "SELECT 1")

    cloud.hypervisor.reboot("one")

    logs = cloud.hypervisor.find_folder("one") / "var/log"
    assert "mariadbd: Shutdown complete" in (logs / "mariadb.log").read_text()
    assert re.findall(r"stopped: (\S+)", (logs / "supervisord.log").read_text()) == ["ticker", "mariadb"]


def test_what_was_committed_survives_the_power_cut(cloud: Cloud) -> None:
    cloud.boot("one")
    cloud.sql(
        "one", "CREATE DATABASE d", "CREATE TABLE d.t (i INT PRIMARY KEY)", "INSERT INTO d.t VALUES (42)"
    )

    cloud.hypervisor.kill_guest("one")
    assert not cloud.hypervisor.is_running("one")
    cloud.hypervisor.reboot("one")

    assert cloud.sql("one", "SELECT i FROM d.t") == "((42,),)"


def test_a_service_that_dies_is_started_again(cloud: Cloud) -> None:
    cloud.boot("one")
    cloud.sql("one", "CREATE DATABASE kept")
    first = cloud.said("one", "cat", "/run/mysqld/mysqld.pid")

    cloud.said("one", "kill", "-9", first)

    assert cloud.sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.said("one", "cat", "/run/mysqld/mysqld.pid") != first


def test_one_service_is_stopped_and_started_from_inside(cloud: Cloud) -> None:
    cloud.boot("one")
    cloud.sql("one", "SELECT 1")

    cloud.said("one", *build_control_command("stop", "mariadb"))
    gone = cloud.hypervisor.run_command("one", ["test", "-e", "/run/mysqld/mysqld.pid"]).returncode
    cloud.said("one", *build_control_command("start", "mariadb"))

    assert gone == 1
    assert cloud.sql("one", "SELECT 1") == "((1,),)"


@pytest.fixture(scope="module", params=["guestagent-mariadb-11.8", "guestagent-mysql"])
def kind(request: pytest.FixtureRequest) -> GuestImage:
    return GUEST_IMAGES[request.param]


@pytest.fixture
def foreign(tmp_path: Path, images: Path, free_subnet: IPv4Network, kind: GuestImage) -> Iterator[Cloud]:
    """A cloud whose guests have a server that is not this machine's."""
    cloud = Cloud(tmp_path / "state", images, free_subnet, (build_database_service(kind), TICKER))
    cloud.hypervisor.open()
    yield cloud
    cloud.hypervisor.close()


def test_a_server_that_is_not_this_machines_starts_as_its_image_leaves_it(
    foreign: Cloud, kind: GuestImage
) -> None:
    foreign.boot("one", image=kind.name)
    foreign.boot("two", image=kind.name)

    assert kind.flavour is not None
    assert foreign.sql("one", "SELECT VERSION()").startswith(f"(('{kind.flavour.series}")
    assert (
        foreign.sql("one", "SELECT @@read_only, @@log_bin, @@innodb_buffer_pool_size >> 20")
        == "((1, 1, 64),)"
    )
    assert foreign.sql("one", "SHOW GRANTS").count("root") >= 1
    if kind.family == "mysql":
        assert foreign.sql("one", "SELECT @@super_read_only, @@gtid_executed") == "((1, ''),)"
        ids, keys = (
            {foreign.said(guest, "md5sum", f"/var/lib/mysql/{name}") for guest in ("one", "two")}
            for name in ("auto.cnf", "server-key.pem")
        )
        assert len(ids) == len(keys) == 2


def test_a_server_that_is_not_this_machines_survives_a_kill_and_a_reboot(
    foreign: Cloud, kind: GuestImage
) -> None:
    foreign.boot("one", image=kind.name)
    writable = "SET GLOBAL super_read_only = 0" if kind.family == "mysql" else "SET GLOBAL read_only = 0"
    foreign.sql("one", writable, "CREATE DATABASE kept")
    first = foreign.said("one", "cat", "/run/mysqld/mysqld.pid")

    foreign.said("one", "kill", "-9", first)
    again = foreign.sql("one", "SHOW DATABASES LIKE 'kept'")
    foreign.hypervisor.reboot("one")

    assert again == foreign.sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"


def test_a_mysql_that_restarts_itself_is_started_again(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    kind = GUEST_IMAGES["guestagent-mysql"]
    cloud = Cloud(tmp_path / "state", images, free_subnet, (build_database_service(kind),))
    cloud.hypervisor.open()
    try:
        cloud.boot("one", image=kind.name)
        first = cloud.sql("one", "SELECT VARIABLE_VALUE FROM performance_schema.global_status LIMIT 0")
        cloud.hypervisor.run_command("one", ["python", "-c", SQL, "RESTART"])

        assert cloud.sql("one", "SELECT 1") == "((1,),)"
        ended = (cloud.hypervisor.find_folder("one") / "var/log/supervisord.log").read_text()
        assert first == "()"
        assert "exited: mysql (exit status 16; not expected)" in ended
    finally:
        cloud.hypervisor.close()


@pytest.mark.parametrize("image", ["guestagent-mariadb", "guestagent-mysql"])
def test_a_guest_cannot_change_this_machine(cloud: Cloud, image: str) -> None:
    cloud.boot("one", image=image)

    attempts = (
        ["touch", "/usr/lib/guest-was-here"],
        ["mount", "-o", "remount,rw,bind", "/"],
        ["mount", "-t", "tmpfs", "tmpfs", "/srv"],
        ["mknod", "/var/disk", "b", "254", "0"],
        ["sh", "-c", "echo 1 > /proc/sys/vm/swappiness"],
        ["sh", "-c", "echo 1 > /run/server/proc/sys/vm/swappiness"],
        ["touch", "/run/server/usr/guest-was-here"],
        ["ls", f"{cloud.state}/guests"],
    )

    assert not [
        attempt for attempt in attempts if cloud.hypervisor.run_command("one", attempt).returncode == 0
    ]


def test_what_may_hold_secrets_is_closed(cloud: Cloud) -> None:
    heat = 'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-cfninitdata\n'
    heat += 'Content-Disposition: attachment; filename="cfn-init-data"\n\n{"Master": {}}\n--b--\n'

    cloud.boot("one", heat)
    cloud.sql("one", "SELECT 1")

    disk = cloud.hypervisor.find_folder("one")
    files = [
        disk / "var/lib/heat-cfntools/cfn-init-data",
        disk / "console.log",
        *(disk / "var/log").iterdir(),
    ]
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == {
        path.name: "0o600" for path in files
    }
    assert files[0].read_text() == '{"Master": {}}'
    assert stat.S_IMODE(disk.stat().st_mode) == 0o700


def test_destroying_leaves_nothing(cloud: Cloud) -> None:
    cloud.boot("one")
    cloud.boot("two")
    while_there = cloud.traces()
    made = {build_link_names(cloud.bridge, guest).namespace for guest in ("one", "two")}
    assert made <= namespaces()

    cloud.hypervisor.destroy("one")
    cloud.hypervisor.destroy("one")
    cloud.hypervisor.close()

    assert len(while_there["links"]) == 3
    assert while_there["processes"]
    assert while_there["mounts"] == []
    assert cloud.traces() == NOTHING
    assert not made & namespaces()


def test_a_boot_that_fails_says_why_and_leaves_nothing(cloud: Cloud) -> None:
    tiny = ("m1.tiny", 1, 256, "guestagent-mariadb")
    elsewhere = Guest("one", "one", cloud.gateway, 24, "192.0.2.1", *tiny, b"")

    with pytest.raises(CloudError, match=r"guest one did not boot: .*gateway"):
        cloud.hypervisor.boot(elsewhere)

    assert cloud.traces() == {**NOTHING, "links": [cloud.bridge]}


def test_user_data_that_never_ends_does_not_hold_up_a_shutdown(cloud: Cloud) -> None:
    cloud.boot("one", "#!/bin/sh\ntouch /run/begun\nsleep 1000")
    cloud.said("one", "sh", "-c", "until [ -e /run/begun ]; do sleep 0.1; done")

    cloud.hypervisor.reboot("one")

    assert cloud.sql("one", "SELECT 1") == "((1,),)"


def test_a_sweep_removes_what_a_killed_daemon_left(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    cloud = Cloud(tmp_path / "state", images, free_subnet, (DATABASE,))
    daemon = f"""
import sys
from pathlib import Path
from guestagent.embedded.guests import NamespaceHypervisor, list_image_services
from guestagent.embedded.openstack.nova.hypervisor import Guest
its = NamespaceHypervisor(
    Path({str(cloud.state)!r}), {cloud.bridge!r}, {cloud.gateway!r}, 24, list_image_services()[:1],
    Path({str(images)!r}),
)
its.open()
its.boot(Guest("one", "one", "{free_subnet[10]}", 24, {cloud.gateway!r}, "m1.tiny", 1, 256, "guestagent-mariadb", b""))
print("up", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", daemon], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
    assert cloud.hypervisor.is_running("one")

    cloud.hypervisor.sweep()

    assert cloud.traces() == NOTHING


def test_a_machine_without_a_program_is_told_which(tmp_path: Path, images: Path) -> None:
    with pytest.raises(UnsupportedEnvironment, match=r"^no-such-server is missing on this machine: install "):
        check_requirements(tmp_path, ["no-such-server"])


def test_the_check_of_a_machine_leaves_nothing_and_needs_no_state_folder(
    tmp_path: Path, images: Path
) -> None:
    check_requirements(tmp_path / "state", [])

    assert list(tmp_path.iterdir()) == []


def test_a_machine_that_forbids_namespaces_is_told_so(tmp_path: Path, images: Path) -> None:
    asks = f"""
from pathlib import Path
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.errors import UnsupportedEnvironment
try:
    check_requirements(Path({str(tmp_path)!r}), [])
except UnsupportedEnvironment as lack:
    print(lack)
"""
    said = output("setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", asks)

    assert said.startswith("this machine does not allow namespaces with an overlay: ")
    assert len(said.splitlines()) == 1


def test_a_link_of_somebody_else_is_left_alone(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    cloud = Cloud(tmp_path / "state", images, free_subnet, (DATABASE,))
    output("ip", "link", "add", cloud.bridge, "type", "bridge")
    try:
        with pytest.raises(CloudError, match="not of this embedded cloud"):
            cloud.hypervisor.open()
        cloud.hypervisor.sweep()

        assert cloud.bridge in output("ip", "link")
    finally:
        output("ip", "link", "delete", cloud.bridge)
