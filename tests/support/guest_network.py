"""Guests as namespaces in a subnet of their own, and the traces that they leave on this machine."""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from guestagent.embedded.guests import GuestService, NamespaceHypervisor, list_image_services
from guestagent.embedded.openstack.nova.hypervisor import Guest

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
NO_TRACES: dict[str, list[str]] = {"links": [], "mounts": [], "processes": [], "disks": []}


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


def run_program(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
