"""Guests as namespaces: what each has for itself, and what it cannot reach or change."""

from __future__ import annotations

import json
import socket
import stat
import threading
from pathlib import Path

import pytest

from tests.support.guest_network import GuestNetwork, run_program

CONNECT_PROGRAM = """
import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60).recv(64))
"""


def send_welcome(server: socket.socket) -> None:
    with server.accept()[0] as visitor:
        visitor.sendall(b"welcome")


def read_mac(link: str) -> str:
    return str(json.loads(run_program("ip", "-json", "link", "show", "dev", link))[0]["address"])


def test_a_guest_has_its_own_name_address_and_folders(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\necho one | tee /etc/own /var/own /run/own /tmp/own /root/own")
    second_guest = cloud.boot("two")

    assert cloud.run_inside("one", "hostname") == "stack-one"
    assert cloud.run_inside("two", "cat", "/etc/hostname") == "stack-two"
    assert f"inet {second_guest.address}/24" in cloud.run_inside("two", "ip", "address", "show", "eth0")
    for folder in ("/etc", "/var", "/run", "/tmp", "/root"):
        assert cloud.hypervisor.run_command("two", ["test", "-e", f"{folder}/own"]).returncode == 1
        assert not Path(folder, "own").exists()


def test_guests_reach_each_other_and_the_gateway(cloud: GuestNetwork) -> None:
    first_guest, second_guest = cloud.boot("one"), cloud.boot("two")
    cloud.execute_sql("one", "SELECT 1")
    cloud.execute_sql("two", "SELECT 1")

    with socket.create_server((cloud.gateway, 0)) as server:
        threading.Thread(target=send_welcome, args=(server,), daemon=True).start()
        port = str(server.getsockname()[1])
        assert cloud.run_inside("one", "python", "-c", CONNECT_PROGRAM, cloud.gateway, port) == "b'welcome'"
    assert "Maria" in cloud.run_inside("one", "python", "-c", CONNECT_PROGRAM, second_guest.address, "3306")
    assert "Maria" in cloud.run_inside("two", "python", "-c", CONNECT_PROGRAM, first_guest.address, "3306")


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


def test_user_data_is_executed_inside_and_only_there(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\ntouch /ran || id -un > /var/ran-as; hostname > /etc/ran-on")

    cloud.execute_sql("one", "SELECT 1")

    assert cloud.run_inside("one", "cat", "/var/ran-as", "/etc/ran-on") == "root\nstack-one"
    assert not any(Path(path).exists() for path in ("/ran", "/var/ran-as", "/etc/ran-on"))
    assert (
        "Read-only file system"
        in (cloud.hypervisor.find_folder("one") / "var/log/cloud-init-output.log").read_text()
    )


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
