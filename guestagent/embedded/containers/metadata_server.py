"""Nova's metadata service and Neutron's DHCP for the guests of one cloud: a process in its own network namespace.

It knows a guest by its address, and serves the files of the guest's folder: it has no state, and can be started again.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from socket import AF_INET, SO_BINDTODEVICE, SO_BROADCAST, SOCK_DGRAM, SOL_SOCKET, socket
from urllib.parse import urlsplit

from guestagent.embedded.containers.config_drive import DOMAIN
from guestagent.embedded.containers.datasource import DRIVE_FOLDER
from guestagent.embedded.containers.dhcp import DhcpNetwork, build_reply, parse_request
from guestagent.embedded.containers.ec2_metadata import EC2_VERSIONS, build_instance_id, find_content
from guestagent.embedded.guests.boot_scripts import build_hostname
from guestagent.embedded.guests.guest_folders import GuestFolders
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError

HTTP_PORT = 80
DEVICE = b"eth0"
DHCP_SERVER_PORT, DHCP_CLIENT_PORT = 67, 68
PACKET_SIZE = 2048


class GuestDirectory:
    """The guests of a cloud, by address and by MAC address."""

    def __init__(self, state: Path) -> None:
        self._folders = GuestFolders(state)

    def find_by_address(self, address: str) -> Guest | None:
        return next((guest for guest in self._list_guests() if guest.address == address), None)

    def find_by_mac(self, mac: str) -> Guest | None:
        return next((guest for guest in self._list_guests() if build_mac_address(guest.address) == mac), None)

    def find_content(self, address: str, path: str) -> bytes | None:
        """Return what a guest gets at a path; None if there is nothing for it."""
        guest = self.find_by_address(address)
        words = [word for word in path.split("/") if word]
        if guest is None or ".." in words:
            return None
        if not words:
            return "\n".join((*EC2_VERSIONS, "openstack")).encode()
        drive = self._folders.find(guest.id) / DRIVE_FOLDER
        if words[0] == "openstack":
            return _read_path(drive.joinpath(*words))
        if words[0] not in EC2_VERSIONS:
            return None
        return find_content(
            words[1:], _build_ec2_values(guest), _read_path(drive / "openstack/latest/user_data")
        )

    def _list_guests(self) -> list[Guest]:
        guests = []
        for guest_id in self._folders.list_guests():
            try:
                guests.append(self._folders.read_guest(guest_id))
            except CloudError:  # it is being made or removed
                continue
        return guests


def _build_ec2_values(guest: Guest) -> dict[str, str]:
    hostname = f"{build_hostname(guest.name)}.{DOMAIN}"
    return {
        "ami-id": "ami-00000001",
        "ami-launch-index": "0",
        "hostname": hostname,
        "instance-action": "none",
        "instance-id": build_instance_id(guest.id),
        "instance-type": guest.flavor,
        "local-hostname": hostname,
        "local-ipv4": guest.address,
        "placement/availability-zone": "nova",
        "public-hostname": hostname,
        "public-ipv4": "",
        "reservation-id": f"r-{build_instance_id(guest.id)[2:]}",
        "security-groups": "default",
        **_build_key_values(guest),
    }


def _build_key_values(guest: Guest) -> dict[str, str]:
    """Ec2 lists a key as `0=NAME`, and has its text at `0/openssh-key`."""
    names = {f"public-keys/{number}={name}": "" for number, name in enumerate(guest.public_keys)}
    texts = enumerate(guest.public_keys.values())
    return names | {f"public-keys/{number}/openssh-key": text for number, text in texts}


def _read_path(path: Path) -> bytes | None:
    """Read a file, or the list of a folder, as the metadata service shows it."""
    if path.is_dir():
        return "\n".join(sorted(child.name for child in path.iterdir())).encode()
    return path.read_bytes() if path.is_file() else None


class MetadataHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD. Nothing is logged: the paths are cloud-init's, and the bodies hold passwords."""

    protocol_version = "HTTP/1.1"
    directory: GuestDirectory

    def do_GET(self) -> None:
        body = self.directory.find_content(self.client_address[0], urlsplit(self.path).path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET  # noqa: N815 - the name is the base class's

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def serve_dhcp(server: socket, directory: GuestDirectory, network: DhcpNetwork) -> None:
    """Answer the guests of the cloud; other clients get no answer."""
    while True:
        request = parse_request(server.recv(PACKET_SIZE))
        guest = None if request is None else directory.find_by_mac(request.mac)
        if request is not None and guest is not None:
            reply = build_reply(request, IPv4Address(guest.address), network)
            server.sendto(reply, ("255.255.255.255", DHCP_CLIENT_PORT))


def main(arguments: list[str]) -> None:
    """Serve until a signal. The arguments: state folder, the guests' network, gateway, this server's own address."""
    state, network, gateway, address = arguments
    directory = GuestDirectory(Path(state))
    MetadataHandler.directory = directory
    http_server = ThreadingHTTPServer(("", HTTP_PORT), MetadataHandler)
    dhcp_server = socket(AF_INET, SOCK_DGRAM)
    dhcp_server.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)
    dhcp_server.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, DEVICE)  # no route leads to the broadcast address
    dhcp_server.bind(("", DHCP_SERVER_PORT))
    dhcp_network = DhcpNetwork(IPv4Network(network), IPv4Address(gateway), IPv4Address(address))
    threading.Thread(target=serve_dhcp, args=(dhcp_server, directory, dhcp_network), daemon=True).start()
    sys.stdout.write("up\n")
    sys.stdout.flush()
    http_server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
