"""The environment of a demo of the resource manager: its service runs in this process, over the demo's cloud."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from guestagent import atomic_file
from guestagent.demo.endpoint_certificate import create_endpoint_certificate
from guestagent.demo.environment import EmbeddedEnvironment
from guestagent.embedded.host.loop_devices import check_loop_devices
from guestagent.embedded.process.state_folder import MANAGER_FOLDER
from guestagent.resources.interface import ResourceManager
from guestagent.resources.service.assembly import open_local_manager, open_service
from guestagent.resources.service.settings_file import load_manager_settings

SETTINGS_FILE = "resources.conf"
LOG_FILE = "manager.log"
SETTLE_S = 2.0
"""No proxy is between this process and the cloud, which has one database: nothing arrives late."""


class ManagedEnvironment(EmbeddedEnvironment):
    """The real `ManagedDemoEnvironment`. Its nodes are namespaces, with their databases on volumes."""

    @property
    def nodes_description(self) -> str:
        return "its nodes are namespaces of this machine, each with its own database server on a volume"

    @property
    def manager_folder(self) -> Path:
        return self.options.state_folder / MANAGER_FOLDER

    def check_requirements(self) -> None:
        super().check_requirements()
        check_loop_devices()

    @contextmanager
    def open_manager(self, engine: str) -> Iterator[ResourceManager]:
        """Run the service with this engine, and give orders to it. Its settings and its log are in `manager_folder`."""
        self.choose_clouds_file()
        settings = load_manager_settings(self._write_settings(engine))
        settings = replace(settings, settle_s=SETTLE_S)
        with (
            _log_to(self.manager_folder / LOG_FILE),
            open_service(settings) as service,
            open_local_manager(settings) as manager,
        ):
            service.open()
            try:
                yield manager
            finally:
                service.close()

    def _write_settings(self, engine: str) -> Path:
        """Write the settings, with which `guestagent resources serve` can go on later, and the certificate once."""
        folder, gateway = self.manager_folder, self.options.gateway
        certificate, key, authority = (
            folder / name for name in ("endpoint.pem", "endpoint.key", "authority.pem")
        )
        folder.mkdir(mode=atomic_file.PRIVATE_FOLDER, exist_ok=True)
        if not certificate.exists():
            created = create_endpoint_certificate(gateway)
            atomic_file.write_file(authority, created.authority.encode())
            atomic_file.write_file(key, created.key.reveal().encode())
            atomic_file.write_file(certificate, created.certificate.encode())
        port_file = folder / "port"
        port = (atomic_file.read_file(port_file) or b"").decode() or str(_find_free_port(gateway))
        atomic_file.write_file(port_file, port.encode())
        path = folder / SETTINGS_FILE
        text = SETTINGS.format(
            engine=engine, cloud=self.options.name, folder=folder, address=f"{gateway}:{port}"
        )
        atomic_file.write_file(path, text.encode())
        return path


SETTINGS = """\
[resources]
engine = {engine}
[store]
connection = sqlite:///{folder}/orders.db
[cloud]
name = {cloud}
[endpoint]
public_url = https://{address}
listen = {address}
certificate = {folder}/endpoint.pem
private_key = {folder}/endpoint.key
authority = {folder}/authority.pem
key_file = {folder}/keys.json
[metrics]
listen =
"""


def _find_free_port(address: str) -> int:
    with closing(socket.create_server((address, 0))) as server:
        return int(server.getsockname()[1])


@contextmanager
def _log_to(file: Path) -> Iterator[None]:
    """Write what the service logs to a file, and not over the demo's own lines."""
    logger, handler = logging.getLogger("guestagent"), logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    was_propagating, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = was_propagating
        handler.close()
