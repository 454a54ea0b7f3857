"""The command lines of the unpacked services, run under an account without rights in a cloud's network namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.database_servers import build_root_command
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_cloud.addresses import SERVICE_PORTS, CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.hypervisor_server import PATH_VARIABLE
from guestagent.embedded.real_cloud.service_config import COMPUTE_HOSTS
from guestagent.embedded.real_heat.account_commands import BARE_ENVIRONMENT, build_account_command
from guestagent.embedded.real_heat.daemons import ServiceDaemon

PYTHON = "/usr/bin/python3"
# The services that are a WSGI application and nothing else, with the function that makes it.
APPLICATIONS: Mapping[str, str] = {
    "keystone": "keystone.server.wsgi:initialize_public_application",
    "placement": "placement.wsgi:init_application",
    "glance": "glance.common.wsgi_app:init_app",
    "neutron": "neutron.cmd.eventlet.server:main_api_eventlet",
}


@dataclass(frozen=True, slots=True)
class ServicePrograms:
    """The programs of one run. `root` is the unpacked packages. `has_hypervisor`: servers have guests."""

    root: Path
    account: UnixAccount
    paths: CloudPaths
    has_hypervisor: bool = False

    @property
    def share(self) -> Path:
        """The folder of the packages' own pipelines, as a service sees it."""
        return Path("/usr/share")

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of each service."""
        settings = str(self.paths.settings)
        hypervisor = {PATH_VARIABLE: str(self.paths.hypervisor_socket)} if self.has_hypervisor else {}
        return {
            **BARE_ENVIRONMENT,
            **hypervisor,
            "HOME": "/nonexistent",
            "PYTHONPATH": str(self.paths.scripts),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OS_KEYSTONE_CONFIG_FILES": f"{settings}/keystone.conf",
            "OS_PLACEMENT_CONFIG_DIR": settings,
            "OS_GLANCE_CONFIG_DIR": settings,
            "OS_NEUTRON_CONFIG_DIR": settings,
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        }

    def build_command(self, *argv: str) -> tuple[str, ...]:
        """Build the command that runs a program of the packages under the account, killed with its parent."""
        return build_root_command(self.root, build_account_command(self.account, argv))

    def build_manage_command(self, module: str, config: str, *words: str) -> tuple[str, ...]:
        """Build the command line of a service's administration. `config` is the name of its file."""
        name = module.partition(".")[0]
        code = f"import sys; sys.argv[0] = '{name}-manage'; from {module} import main; sys.exit(main())"
        return self.build_command(PYTHON, "-c", code, *self._name_config(config), *words)

    def build_script_command(self, script: str, *words: str) -> tuple[str, ...]:
        """Build the command line of one of our scripts."""
        return self.build_command(PYTHON, str(self.paths.scripts / script), *words)

    def build_daemon(self, service: str, addresses: CloudAddresses, prefix: tuple[str, ...]) -> ServiceDaemon:
        """Build the daemon of a service. `prefix` are the words of the command that enters the cloud's network."""
        argv = (*prefix, *self._build_service_command(service, addresses))
        return ServiceDaemon(service, argv, None, self.paths.logs / f"{service}.out", self.environment)

    def build_database_daemon(self) -> ServiceDaemon:
        """Build the daemon of the database server, which has no network."""
        argv = self.build_command("/usr/sbin/mariadbd", f"--defaults-file={self.paths.settings}/mariadb.cnf")
        return ServiceDaemon("mariadb", argv, None, self.paths.logs / "mariadb.out", self.environment)

    def _build_service_command(self, service: str, addresses: CloudAddresses) -> tuple[str, ...]:
        place = (addresses.host, str(SERVICE_PORTS[service]))
        match service:
            case "nova":
                pipeline = str(self.share / "nova-common/api-paste.ini")
                words = (*place, pipeline, ",".join(COMPUTE_HOSTS), *self._name_config("nova.conf"))
                return self.build_script_command("nova_server.py", *words)
            case "heat":
                return self.build_command("/usr/bin/heat-all", *self._name_config("heat.conf"))
            case "cinder":
                return self.build_script_command(
                    "cinder_server.py", *place, *self._name_config("cinder.conf")
                )
        return self.build_script_command("application_server.py", *place, APPLICATIONS[service])

    def _name_config(self, name: str) -> tuple[str, str]:
        return "--config-file", str(self.paths.settings / name)
