"""Guests as namespaces, with real database servers: their isolation, and their complete removal."""

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
SQL_PROGRAM = """
import sys, time, pymysql
for attempt in range(200):
    try:
        connection = pymysql.connect(unix_socket="/run/mysqld/mysqld.sock", user="root", autocommit=True)
        break
    except pymysql.err.OperationalError:
        time.sleep(0.1)
cursor = connection.cursor()
for statement in sys.argv[1:]:
    cursor.execute(statement)
print(cursor.fetchall())
"""
CONNECT_PROGRAM = """
import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10).recv(64))
"""


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestNetwork]:
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (DATABASE, TICKER))
    cloud.hypervisor.open()
    yield cloud
    cloud.hypervisor.close()


def test_a_bridge_is_removed_if_it_cannot_get_its_address(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    failing = NamespaceHypervisor(
        tmp_path / "state", "gatestfail", str(free_subnet[1]), 33, (TICKER,), images
    )

    with pytest.raises(CloudError, match="addressing bridge gatestfail"):
        failing.open()

    assert not Path("/sys/class/net/gatestfail").exists()


class GuestNetwork:
    """A hypervisor and its subnet. Guests get the addresses from .10 on, in the order in which they boot."""

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
        guest = self._build_guest(guest_id, user_data, image)
        self.hypervisor.boot(guest)
        return guest

    def boot_copy(self, guest_id: str, origin_id: str, user_data: str = "") -> Guest:
        guest = self._build_guest(guest_id, user_data, "guestagent-mariadb")
        self.hypervisor.boot_copy(guest, origin_id)
        return guest

    def _build_guest(self, guest_id: str, user_data: str, image: str) -> Guest:
        address = str(self.subnet[10 + self.booted])
        self.booted += 1
        name = f"Stack-{guest_id}"
        flavor = ("m1.tiny", 1, 256, image)
        return Guest(guest_id, name, address, 24, self.gateway, *flavor, user_data.encode())

    def run_inside(self, guest_id: str, *argv: str) -> str:
        completed = self.hypervisor.run_command(guest_id, argv)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout.strip()

    def execute_sql(self, guest_id: str, *statements: str) -> str:
        return self.run_inside(guest_id, "python", "-c", SQL_PROGRAM, *statements)

    def list_traces(self) -> dict[str, list[str]]:
        """Return the links, mounts, processes and disks of this cloud, but not those of other tests and clouds."""
        links = json.loads(run_program("ip", "-json", "link"))
        names = [link["ifname"] for link in links if self.bridge in (link["ifname"], link.get("master"))]
        mounts = [
            line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.state) in line
        ]
        folder = self.state / "guests"
        return {
            "links": names,
            "mounts": mounts,
            "processes": [
                pid.name for pid in Path("/proc").iterdir() if pid.name.isdigit() and self.is_own_process(pid)
            ],
            "disks": [path.name for path in folder.iterdir()] if folder.is_dir() else [],
        }

    def is_own_process(self, process: Path) -> bool:
        """Return whether the process has the mounts of a guest, or our state folder in its command line."""
        own_namespace = Path("/proc/self/ns/mnt").readlink()
        try:
            inside = (process / "ns/mnt").readlink() != own_namespace and f"{self.state}/" in (
                process / "mountinfo"
            ).read_text()
            return inside or f"{self.state}/" in (process / "cmdline").read_text()
        except OSError:
            return False


NO_TRACES: dict[str, list[str]] = {"links": [], "mounts": [], "processes": [], "disks": []}


def run_program(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def send_welcome(server: socket.socket) -> None:
    with server.accept()[0] as visitor:
        visitor.sendall(b"welcome")


def list_namespaces() -> set[str]:
    return {line.split()[0] for line in run_program("ip", "netns").splitlines()}


def test_a_guest_has_its_own_name_address_and_folders(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\necho one | tee /etc/own /var/own /run/own /tmp/own /root/own")
    two = cloud.boot("two")

    assert cloud.run_inside("one", "hostname") == "stack-one"
    assert cloud.run_inside("two", "cat", "/etc/hostname") == "stack-two"
    assert f"inet {two.address}/24" in cloud.run_inside("two", "ip", "address", "show", "eth0")
    for folder in ("/etc", "/var", "/run", "/tmp", "/root"):
        assert cloud.hypervisor.run_command("two", ["test", "-e", f"{folder}/own"]).returncode == 1
        assert not Path(folder, "own").exists()


def test_guests_reach_each_other_and_the_gateway(cloud: GuestNetwork) -> None:
    one, two = cloud.boot("one"), cloud.boot("two")
    cloud.execute_sql("one", "SELECT 1")
    cloud.execute_sql("two", "SELECT 1")

    with socket.create_server((cloud.gateway, 0)) as server:
        threading.Thread(target=send_welcome, args=(server,), daemon=True).start()
        port = str(server.getsockname()[1])
        assert cloud.run_inside("one", "python", "-c", CONNECT_PROGRAM, cloud.gateway, port) == "b'welcome'"
    assert "Maria" in cloud.run_inside("one", "python", "-c", CONNECT_PROGRAM, two.address, "3306")
    assert "Maria" in cloud.run_inside("two", "python", "-c", CONNECT_PROGRAM, one.address, "3306")


def test_the_gateway_keeps_its_mac_when_guests_are_created_and_destroyed(cloud: GuestNetwork) -> None:
    """A bridge without a fixed MAC takes the lowest of its links; guests would keep sending to one that is gone."""
    addresses = []
    for guest in ("one", "two", "three"):
        cloud.boot(guest)
        addresses.append(read_mac(cloud.bridge))
    for guest in ("one", "two", "three"):
        cloud.hypervisor.destroy(guest)
        addresses.append(read_mac(cloud.bridge))

    assert len(set(addresses)) == 1


def read_mac(link: str) -> str:
    return str(json.loads(run_program("ip", "-json", "link", "show", "dev", link))[0]["address"])


def test_user_data_is_executed_inside_and_only_there(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\ntouch /ran || id -un > /var/ran-as; hostname > /etc/ran-on")

    cloud.execute_sql("one", "SELECT 1")

    assert cloud.run_inside("one", "cat", "/var/ran-as", "/etc/ran-on") == "root\nstack-one"
    assert not any(Path(path).exists() for path in ("/ran", "/var/ran-as", "/etc/ran-on"))
    assert (
        "Read-only file system"
        in (cloud.hypervisor.find_folder("one") / "var/log/cloud-init-output.log").read_text()
    )


def test_a_server_starts_with_the_settings_of_an_image(cloud: GuestNetwork) -> None:
    cloud.boot("one")

    settings = cloud.execute_sql(
        "one", "SELECT @@read_only, @@log_bin, @@gtid_strict_mode, @@innodb_buffer_pool_size >> 20"
    )
    accounts = cloud.execute_sql("one", "SELECT user, host FROM mysql.global_priv ORDER BY user")

    assert settings == "((1, 1, 1, 64),)"
    assert accounts == "(('mariadb.sys', 'localhost'), ('root', 'localhost'))"
    assert cloud.execute_sql("one", "SELECT @@gtid_current_pos") == "(('',),)"


def test_a_reboot_keeps_the_disk_and_does_not_repeat_user_data(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\necho once >> /root/runs")
    cloud.execute_sql("one", "CREATE DATABASE kept")
    cloud.run_inside("one", "touch", "/run/volatile")

    cloud.hypervisor.reboot("one")

    assert cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.run_inside("one", "cat", "/root/runs") == "once"
    assert cloud.hypervisor.run_command("one", ["test", "-e", "/run/volatile"]).returncode == 1


def test_a_clean_shutdown_ends_the_database_last(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "SELECT 1")

    cloud.hypervisor.reboot("one")

    logs = cloud.hypervisor.find_folder("one") / "var/log"
    assert "mariadbd: Shutdown complete" in (logs / "mariadb.log").read_text()
    assert re.findall(r"stopped: (\S+)", (logs / "supervisord.log").read_text()) == ["ticker", "mariadb"]


def test_committed_rows_survive_a_power_failure(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql(
        "one", "CREATE DATABASE d", "CREATE TABLE d.t (i INT PRIMARY KEY)", "INSERT INTO d.t VALUES (42)"
    )

    cloud.hypervisor.cut_power("one")
    assert not cloud.hypervisor.is_running("one")
    cloud.hypervisor.reboot("one")

    assert cloud.execute_sql("one", "SELECT i FROM d.t") == "((42,),)"


def test_a_copy_has_the_origins_disk_and_a_new_instance_id(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\necho $(hostname) >> /root/runs")
    cloud.execute_sql("one", "CREATE DATABASE kept")

    copy = cloud.boot_copy("two", "one", "#!/bin/sh\necho $(hostname) >> /root/runs")

    assert cloud.execute_sql("two", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.run_inside("two", "cat", "/root/runs") == "stack-one\nstack-two"
    assert cloud.run_inside("two", "cat", "/var/lib/cloud/data/instance-id") == "two"
    assert cloud.run_inside("two", "hostname", "--all-ip-addresses") == copy.address
    machine_ids = {cloud.run_inside(guest, "cat", "/etc/machine-id") for guest in ("one", "two")}
    assert len(machine_ids) == 1


def test_an_origin_continues_while_its_copy_changes(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "CREATE DATABASE d", "CREATE TABLE d.t (i INT PRIMARY KEY)")

    cloud.boot_copy("two", "one")
    cloud.execute_sql("two", "INSERT INTO d.t VALUES (2)")
    cloud.execute_sql("one", "INSERT INTO d.t VALUES (1)")

    assert cloud.execute_sql("one", "SELECT i FROM d.t") == "((1,),)"
    assert cloud.execute_sql("two", "SELECT i FROM d.t") == "((2,),)"


def test_a_copy_of_a_guest_that_does_not_exist_leaves_nothing_behind(cloud: GuestNetwork) -> None:
    with pytest.raises(CloudError, match="there is no guest none"):
        cloud.boot_copy("two", "none")

    assert cloud.list_traces()["disks"] == []


def test_a_killed_service_is_restarted(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "CREATE DATABASE kept")
    first = cloud.run_inside("one", "cat", "/run/mysqld/mysqld.pid")

    cloud.run_inside("one", "kill", "-9", first)

    assert cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.run_inside("one", "cat", "/run/mysqld/mysqld.pid") != first


def test_one_service_is_stopped_and_started_from_inside(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "SELECT 1")

    cloud.run_inside("one", *build_control_command("stop", "mariadb"))
    exit_code = cloud.hypervisor.run_command("one", ["test", "-e", "/run/mysqld/mysqld.pid"]).returncode
    cloud.run_inside("one", *build_control_command("start", "mariadb"))

    assert exit_code == 1
    assert cloud.execute_sql("one", "SELECT 1") == "((1,),)"


@pytest.fixture(scope="module", params=["guestagent-mariadb-11.8", "guestagent-mysql"])
def guest_image(request: pytest.FixtureRequest) -> GuestImage:
    return GUEST_IMAGES[request.param]


@pytest.fixture
def foreign_cloud(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, guest_image: GuestImage
) -> Iterator[GuestNetwork]:
    """A cloud whose guests run a database server that is not installed on this machine."""
    cloud = GuestNetwork(
        tmp_path / "state", images, free_subnet, (build_database_service(guest_image), TICKER)
    )
    cloud.hypervisor.open()
    yield cloud
    cloud.hypervisor.close()


def test_a_foreign_server_starts_with_the_settings_of_its_image(
    foreign_cloud: GuestNetwork, guest_image: GuestImage
) -> None:
    foreign_cloud.boot("one", image=guest_image.name)
    foreign_cloud.boot("two", image=guest_image.name)

    assert guest_image.flavour is not None
    assert foreign_cloud.execute_sql("one", "SELECT VERSION()").startswith(f"(('{guest_image.flavour.series}")
    assert (
        foreign_cloud.execute_sql("one", "SELECT @@read_only, @@log_bin, @@innodb_buffer_pool_size >> 20")
        == "((1, 1, 64),)"
    )
    assert foreign_cloud.execute_sql("one", "SHOW GRANTS").count("root") >= 1
    if guest_image.family == "mysql":
        assert foreign_cloud.execute_sql("one", "SELECT @@super_read_only, @@gtid_executed") == "((1, ''),)"
        ids, keys = (
            {foreign_cloud.run_inside(guest, "md5sum", f"/var/lib/mysql/{name}") for guest in ("one", "two")}
            for name in ("auto.cnf", "server-key.pem")
        )
        assert len(ids) == len(keys) == 2


def test_a_foreign_server_survives_a_kill_and_a_reboot(
    foreign_cloud: GuestNetwork, guest_image: GuestImage
) -> None:
    foreign_cloud.boot("one", image=guest_image.name)
    writable = (
        "SET GLOBAL super_read_only = 0" if guest_image.family == "mysql" else "SET GLOBAL read_only = 0"
    )
    foreign_cloud.execute_sql("one", writable, "CREATE DATABASE kept")
    first = foreign_cloud.run_inside("one", "cat", "/run/mysqld/mysqld.pid")

    foreign_cloud.run_inside("one", "kill", "-9", first)
    databases = foreign_cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'")
    foreign_cloud.hypervisor.reboot("one")

    assert databases == foreign_cloud.execute_sql("one", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"


def test_a_mysql_is_started_again_after_restart(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    guest_image = GUEST_IMAGES["guestagent-mysql"]
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (build_database_service(guest_image),))
    cloud.hypervisor.open()
    try:
        cloud.boot("one", image=guest_image.name)
        first = cloud.execute_sql(
            "one", "SELECT VARIABLE_VALUE FROM performance_schema.global_status LIMIT 0"
        )
        cloud.hypervisor.run_command("one", ["python", "-c", SQL_PROGRAM, "RESTART"])

        assert cloud.execute_sql("one", "SELECT 1") == "((1,),)"
        log = (cloud.hypervisor.find_folder("one") / "var/log/supervisord.log").read_text()
        assert first == "()"
        assert "exited: mysql (exit status 16; not expected)" in log
    finally:
        cloud.hypervisor.close()


@pytest.mark.parametrize("image", ["guestagent-mariadb", "guestagent-mysql"])
def test_a_guest_cannot_change_this_machine(cloud: GuestNetwork, image: str) -> None:
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


def test_files_that_may_contain_secrets_are_readable_by_root_only(cloud: GuestNetwork) -> None:
    heat = 'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-cfninitdata\n'
    heat += 'Content-Disposition: attachment; filename="cfn-init-data"\n\n{"Master": {}}\n--b--\n'

    cloud.boot("one", heat)
    cloud.execute_sql("one", "SELECT 1")

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


def test_destroying_leaves_nothing(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.boot("two")
    traces_before = cloud.list_traces()
    own_namespaces = {build_link_names(cloud.bridge, guest).namespace for guest in ("one", "two")}
    assert own_namespaces <= list_namespaces()

    cloud.hypervisor.destroy("one")
    cloud.hypervisor.destroy("one")
    cloud.hypervisor.close()

    assert len(traces_before["links"]) == 3
    assert traces_before["processes"]
    assert traces_before["mounts"] == []
    assert cloud.list_traces() == NO_TRACES
    assert not own_namespaces & list_namespaces()


def test_a_failed_boot_reports_the_reason_and_leaves_nothing(cloud: GuestNetwork) -> None:
    tiny = ("m1.tiny", 1, 256, "guestagent-mariadb")
    elsewhere = Guest("one", "one", cloud.gateway, 24, "192.0.2.1", *tiny, b"")

    with pytest.raises(CloudError, match=r"guest one did not boot: .*gateway"):
        cloud.hypervisor.boot(elsewhere)

    assert cloud.list_traces() == {**NO_TRACES, "links": [cloud.bridge]}


def test_endless_user_data_does_not_delay_a_shutdown(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\ntouch /run/begun\nsleep 1000")
    cloud.run_inside("one", "sh", "-c", "until [ -e /run/begun ]; do sleep 0.1; done")

    cloud.hypervisor.reboot("one")

    assert cloud.execute_sql("one", "SELECT 1") == "((1,),)"


def test_a_sweep_removes_the_guests_of_a_killed_daemon(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (DATABASE,))
    daemon = f"""
import sys
from pathlib import Path
from guestagent.embedded.guests import NamespaceHypervisor, list_image_services
from guestagent.embedded.openstack.nova.hypervisor import Guest
hypervisor = NamespaceHypervisor(
    Path({str(cloud.state)!r}), {cloud.bridge!r}, {cloud.gateway!r}, 24, list_image_services()[:1],
    Path({str(images)!r}),
)
hypervisor.open()
flavor = ("m1.tiny", 1, 256, "guestagent-mariadb")
hypervisor.boot(Guest("one", "one", "{free_subnet[10]}", 24, {cloud.gateway!r}, *flavor, b""))
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

    assert cloud.list_traces() == NO_TRACES


def test_a_missing_program_is_named(tmp_path: Path, images: Path) -> None:
    with pytest.raises(UnsupportedEnvironment, match=r"^no-such-server is missing on this machine: install "):
        check_requirements(tmp_path, ["no-such-server"])


def test_the_check_of_a_machine_leaves_nothing_and_needs_no_state_folder(
    tmp_path: Path, images: Path
) -> None:
    check_requirements(tmp_path / "state", [])

    assert list(tmp_path.iterdir()) == []


def test_missing_permission_for_namespaces_is_reported(tmp_path: Path, images: Path) -> None:
    program = f"""
from pathlib import Path
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.errors import UnsupportedEnvironment
try:
    check_requirements(Path({str(tmp_path)!r}), [])
except UnsupportedEnvironment as lack:
    print(lack)
"""
    message = run_program("setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", program)

    assert message.startswith("this machine does not allow namespaces with an overlay: ")
    assert len(message.splitlines()) == 1


def test_a_foreign_link_is_not_changed(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> None:
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (DATABASE,))
    run_program("ip", "link", "add", cloud.bridge, "type", "bridge")
    try:
        with pytest.raises(CloudError, match="not of this embedded cloud"):
            cloud.hypervisor.open()
        cloud.hypervisor.sweep()

        assert cloud.bridge in run_program("ip", "link")
    finally:
        run_program("ip", "link", "delete", cloud.bridge)
