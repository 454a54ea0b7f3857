"""The command lines of a release's services, run under an account without rights in a cloud's network namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.database_servers import build_root_command
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_cloud.addresses import SERVICE_PORTS, CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.cloud_release import NOVA_PIPELINE, CloudRelease
from guestagent.embedded.real_cloud.hypervisor_server import PATH_VARIABLE
from guestagent.embedded.real_cloud.service_config import COMPUTE_HOSTS
from guestagent.embedded.real_heat.account_commands import BARE_ENVIRONMENT, build_account_command
from guestagent.embedded.real_heat.daemons import ServiceDaemon


@dataclass(frozen=True, slots=True)
class ServicePrograms:
    """The programs of one run. `has_hypervisor`: servers have guests."""

    release: CloudRelease
    account: UnixAccount
    paths: CloudPaths
    has_hypervisor: bool = False

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

    def build_manage_command(self, module: str, config: str, *words: str) -> tuple[str, ...]:
        """Build the command line of a service's administration. `config` is the name of its file."""
        name = module.partition(".")[0]
        code = f"import sys; sys.argv[0] = '{name}-manage'; from {module} import main; sys.exit(main())"
        return self._build_python_command("-c", code, *self._name_config(config), *words)

    def build_script_command(self, script: str, *words: str) -> tuple[str, ...]:
        """Build the command line of one of our scripts."""
        return self._build_python_command(str(self.paths.scripts / script), *words)

    def build_daemon(self, service: str, addresses: CloudAddresses, prefix: tuple[str, ...]) -> ServiceDaemon:
        """Build the daemon of a service. `prefix` are the words of the command that enters the cloud's network."""
        argv = (*prefix, *self.build_service_command(service, addresses))
        return ServiceDaemon(service, argv, None, self.paths.logs / f"{service}.out", self.environment)

    def build_database_daemon(self) -> ServiceDaemon:
        """Build the daemon of the database server, which has no network."""
        words = ("/usr/sbin/mariadbd", f"--defaults-file={self.paths.settings}/mariadb.cnf")
        argv = build_root_command(self.release.database_root, build_account_command(self.account, words))
        return ServiceDaemon("mariadb", argv, None, self.paths.logs / "mariadb.out", self.environment)

    def build_service_command(self, service: str, addresses: CloudAddresses) -> tuple[str, ...]:
        """Build the command line of a service, before it enters the cloud's network."""
        place, threads = (addresses.host, str(SERVICE_PORTS[service])), self.release.threads
        match service:
            case "nova":
                pipeline, hosts = str(self.paths.settings / NOVA_PIPELINE), ",".join(COMPUTE_HOSTS)
                config = self._name_config("nova.conf")
                return self.build_script_command("nova_server.py", threads, *place, pipeline, hosts, *config)
            case "cinder":
                config = self._name_config("cinder.conf")
                return self.build_script_command("cinder_server.py", threads, *place, *config)
            case "heat":
                return self._build_heat_command(place)
        application = self.release.applications[service]
        return self.build_script_command("application_server.py", *place, application)

    def _build_heat_command(self, place: tuple[str, str]) -> tuple[str, ...]:
        config = self._name_config("heat.conf")
        if self.release.heat_program is not None:
            return self._build_command(self.release.heat_program, *config)
        return self.build_script_command("heat_server.py", *place, str(SERVICE_PORTS["cfn"]), *config)

    def _build_python_command(self, *words: str) -> tuple[str, ...]:
        return self._build_command(self.release.python, *words)

    def _build_command(self, *argv: str) -> tuple[str, ...]:
        """Build the command that runs a program of the services under the account, killed with its parent."""
        command = build_account_command(self.account, argv)
        return command if self.release.root is None else build_root_command(self.release.root, command)

    def _name_config(self, name: str) -> tuple[str, str]:
        return "--config-file", str(self.paths.settings / name)
