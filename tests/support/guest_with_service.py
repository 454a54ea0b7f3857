"""A guest whose server is a service, with an option file that the agent writes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guestagent.embedded.database_servers import Flavour, build_root_command, copy_data_directory
from tests.support import fake_systemctl
from tests.support.agent_guest import AgentGuest, build_source_document
from tests.support.database_servers import (
    READ_ONLY_VARIABLES,
    DatabaseServer,
    find_free_port,
    provide_server_root,
)
from tests.support.family_statements import CONFIGURATION_CASES, ConfigurationCases
from tests.support.server_reset_statements import RESET_STATEMENTS

MY_CNF = """\
[{group}]
datadir = {folder}/data
socket = {folder}/s
pid_file = {folder}/pid
log_error = {folder}/error.log
tmpdir = {folder}
port = {port}
user = root
log_bin = binlog
relay_log = relay
{closed} = 1
{image}
!includedir {folder}/conf.d/
"""

PASS_DEADLINE_S = 45
"""Long enough for a pass that restarts a server on a busy machine."""
STATIC_VARIABLE = "innodb_autoinc_lock_mode"
"""A static variable of every family, which defaults to 0 in none."""


class GuestWithService(AgentGuest):
    """A guest whose server is a service, with an option file that the agent writes."""

    @property
    def option_file(self) -> Path:
        return self.server.folder / "conf.d/90-guestagent.cnf"

    @property
    def service_calls(self) -> list[str]:
        """The commands that the agent gave to the service manager."""
        path = self.server.folder / "verbs"
        return path.read_text().split() if path.exists() else []

    def write_config(self) -> Path:
        path = super().write_config()
        command = shlex.join([sys.executable, "-m", "tests.support.fake_systemctl", str(self.server.folder)])
        lines = [f"{verb}_command = {command} {verb}\n" for verb in ("start", "stop", "restart")]
        lines.append(f"log_command = tail -n 60 {self.server.folder}/out\n")
        more = f"option_file = {self.option_file}\nmemory_mb = 512\n[service]\n"
        path.write_text(path.read_text() + more + "".join(lines))
        return path

    def apply_variables(self, **variables: Any) -> dict[str, Any]:
        """Apply the document of a source with these variables, and return the report."""
        section = {"Variables": variables} if variables else {}
        return self.apply(build_source_document(**section, Deadline=PASS_DEADLINE_S))

    def read_variable(self, name: str) -> str | None:
        return self.server.query_value(f"@@GLOBAL.{name}")

    @property
    def cases(self) -> ConfigurationCases:
        return CONFIGURATION_CASES[self.server.flavour.family]


def open_guest(
    flavour: Flavour, data_template: Path, tmp_path: Path, *more: str
) -> Iterator[GuestWithService]:
    """Start a server as a service, with `more` options, and stop it at the end."""
    folder = tmp_path / "server"
    (folder / "conf.d").mkdir(parents=True)
    copy_data_directory(data_template, folder / "data")
    server = DatabaseServer(folder, find_free_port(), (), flavour)
    image = "\n".join((*RESET_STATEMENTS[flavour.family].options, *more))
    options = MY_CNF.format(
        group=get_option_group(flavour),
        folder=folder,
        port=server.port,
        closed=READ_ONLY_VARIABLES[flavour.family],
        image=image,
    )
    (folder / "my.cnf").write_text(options)
    argv = (flavour.server_program, f"--defaults-file={folder}/my.cnf")
    fake_systemctl.install_unit(folder, build_root_command(provide_server_root(flavour), argv))
    try:
        call_service_manager(folder, "start")
        yield GuestWithService(server, tmp_path)
    finally:
        fake_systemctl.main(folder, "stop")


def get_option_group(flavour: Flavour) -> str:
    """Return the option file group that only this server reads."""
    return Path(flavour.server_program).name


def call_service_manager(folder: Path, verb: str) -> None:
    """Call the service manager by hand: the call is not recorded as one of the agent."""
    subprocess.run(
        [sys.executable, "-m", "tests.support.fake_systemctl", str(folder), verb], check=True, timeout=60
    )
    (folder / "verbs").unlink()


def get_configuration_text(report: dict[str, Any]) -> str:
    """Return the text of the condition of the configuration."""
    return next(str(each["seen"]) for each in report["conditions"] if each["name"] == "configuration")
