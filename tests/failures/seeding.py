"""A pair whose agents start seed workers and donors, with programs that a scenario can remove or replace."""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guestagent.controller.donor_certificate import DonorCertificate, create_certificate
from guestagent.controller.seed import compute_fingerprint
from guestagent.embedded.database_servers import build_root_command
from guestagent.seeding import SeedFiles, SeedState
from guestagent.seeding.local_data import has_running_server
from tests.failures.server_pair import USER, ApplyAnswer, Node, Pair
from tests.support.database_servers import find_free_port, provide_server_root
from tests.support.polling import wait_until
from tests.support.processes import find_processes, kill
from tests.support.server_scripts import write_server_scripts

DONOR_USER, DONOR_PASSWORD = "donor0000", "donor word 4711"
DEADLINE_S = 60
SHORT_DEADLINE_S = 1
"""A `Seeding.Deadline` after which a seed that has failed is not attempted again."""
PROGRAMS = {
    "mariadb": ("mariadb-backup", "mbstream", "zstd", "mariadb-dump", "mariadb"),
    "mysql": ("mysqldump", "mysql"),
}
MACHINE_PROGRAMS = ("setpriv", "sync")
PROGRAM_SCRIPT = """\
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
{command}
"""
START_SCRIPT = """\
#!/bin/sh
setsid env PATH={programs} {command} </dev/null >>{log} 2>&1 &
"""


@dataclass(frozen=True, slots=True)
class SeedingNode:
    """A node whose agent starts its services by scripts. `programs` is all that they find on their PATH."""

    node: Node

    @property
    def programs(self) -> Path:
        return self.node.folder / "programs"

    @property
    def files(self) -> SeedFiles:
        return SeedFiles(self.node.folder / "state")

    @property
    def settings(self) -> Path:
        """The settings of its services."""
        return self.node.folder / "services.conf"

    def install(self, *server_options: str) -> None:
        """Write the programs, the scripts and the settings. The server starts with additional options."""
        self.programs.mkdir(exist_ok=True)
        for name in PROGRAMS[self.node.server.flavour.family]:
            self.replace_program(name, f'exec {self.build_real_command(name)} "$@"')
        for name in MACHINE_PROGRAMS:
            link = self.programs / name
            link.unlink(missing_ok=True)
            link.symlink_to(shutil.which(name) or name)
        seed = self._write_service("seed", "run")
        donor = self._write_service("donor", "serve")
        self.node.extra_settings = f"[seeding]\nstart_command = {seed}\ndonor_start_command = {donor}\n"
        start, stop = write_server_scripts(self.node.server, *server_options)
        content = self.node.write_config().read_text()
        commands = f"start_command = {start}\nstop_command = {stop}\nrestart_command = {start}\n"
        self.settings.write_text(f"{content}[service]\n{commands}")

    def build_real_command(self, name: str) -> str:
        """Build the command line, for a shell, of the real program."""
        return shlex.join(build_root_command(provide_server_root(self.node.server.flavour), (name,)))

    def replace_program(self, name: str, command: str) -> None:
        """Replace a program by a command line for a shell."""
        path = self.programs / name
        path.write_text(PROGRAM_SCRIPT.format(command=command))
        path.chmod(0o755)

    def remove_program(self, name: str) -> None:
        (self.programs / name).unlink()

    def _write_service(self, *words: str) -> Path:
        argv = (sys.executable, "-m", "guestagent", *words, "--config", str(self.settings))
        path = self.node.folder / f"start-{words[0]}"
        log = self.node.folder / f"{words[0]}.log"
        path.write_text(START_SCRIPT.format(programs=self.programs, command=shlex.join(argv), log=log))
        path.chmod(0o755)
        return path

    def close(self) -> None:
        """Kill the services, and make the server a child of this process again, whoever has started it."""
        for pid in find_processes("guestagent", str(self.settings)):
            kill(pid)
        server = self.node.server
        if server.has_ended:
            for pid in find_processes(f"--pid-file={server.folder}/pid"):
                kill(pid)
            server.stop(signal.SIGKILL)
            wait_until(lambda: not has_running_server(server.folder / "data"))
            # A killed server that nobody has waited for yet is a process for the lock file.
            Path(f"{server.socket}.lock").unlink(missing_ok=True)
            server.start()
        self.node.extra_settings = ""


@dataclass(frozen=True, slots=True)
class SeedingPair:
    """A source with data, and an empty replica with a donor in its document."""

    pair: Pair
    source: SeedingNode
    replica: SeedingNode
    method: str = "auto"
    port: int = field(default_factory=find_free_port)
    certificate: DonorCertificate = field(default_factory=lambda: create_certificate("Master0000"))

    def prepare_source(self, *, donor: Mapping[str, Any] | None = None, **section: Any) -> SeedingPair:
        """Make the source ready, with a few rows. `donor` changes its description of the donor."""
        service = {
            "Port": self.port,
            "Certificate": self.certificate.certificate,
            "Key": self.certificate.key.reveal(),
            "Replicas": [self.build_donor_entry()],
        }
        self.pair.prepare_source(**{"Donor": service | dict(donor or {})} | section)
        if not self.pair.source.server.execute("SHOW DATABASES LIKE 'd'"):
            self.pair.create_rows()
        return self

    def build_donor_entry(self, user: str = DONOR_USER) -> dict[str, Any]:
        """Build the replica's entry in the source's document."""
        return {
            "Node": "Slave0000",
            "User": {"name": user, "password": DONOR_PASSWORD},
            "ReplicationUser": USER,
            "Method": self.method,
        }

    def build_document(
        self,
        *,
        seeding: Mapping[str, Any] | None = None,
        donor: Mapping[str, Any] | None = None,
        password: str = DONOR_PASSWORD,
        **section: Any,
    ) -> dict[str, Any]:
        """Build the replica's document. `seeding` and `donor` change its sections of these names."""
        endpoint = {
            "User": {"name": DONOR_USER, "password": password},
            "Port": self.port,
            "Fingerprint": compute_fingerprint(self.certificate.certificate),
        }
        endpoint |= dict(donor or {})
        present = {name: value for name, value in endpoint.items() if value is not None}
        content = {"Method": self.method, "Deadline": DEADLINE_S, "Donor": present} | dict(seeding or {})
        all_changes: dict[str, Any] = {"Deadline": DEADLINE_S, "Seeding": content, **section}
        return self.pair.build_replica_document(**all_changes)

    def seed(self, **changes: Any) -> ApplyAnswer:
        """Run a pass of the replica."""
        return self.pair.replica.apply(self.build_document(**changes))

    def seed_once(self, **changes: Any) -> ApplyAnswer:
        """Run a pass of the replica that soon gives up a seed whose failure may pass."""
        return self.seed(seeding={"Deadline": SHORT_DEADLINE_S}, **changes)

    def read_state(self) -> SeedState | None:
        return self.replica.files.read_state()

    def check_empty(self) -> None:
        """Check that the replica's server holds nothing of the source."""
        assert not self.pair.replica.server.execute("SHOW DATABASES LIKE 'd'")

    def check_untouched(self) -> None:
        """Check that nothing of the seed is on the replica's disk either."""
        self.check_empty()
        server = self.pair.replica.server
        names = [path.name for path in (*server.folder.iterdir(), *(server.folder / "data").iterdir())]
        assert not [name for name in names if name.startswith("guestagent-seed")], names

    def check_healed(self, **changes: Any) -> None:
        """Check that the next generation of the document is ready, with all rows."""
        answer = self.seed(Generation=2, **changes)
        assert answer.is_ready, (
            f"not ready after the cause was removed: {answer.worst_condition}: {answer.reason}"
        )
        self.pair.compare_rows()


@contextmanager
def open_seeding(pair: Pair, method: str = "auto", *server_options: str) -> Iterator[SeedingPair]:
    """Let the agents of a pair start seed workers and donors. The replica's server restarts with the options."""
    source, replica = SeedingNode(pair.source), SeedingNode(pair.replica)
    try:
        source.install()
        replica.install(*server_options)
        if server_options:
            pair.restart_server(pair.replica, *server_options)
        yield SeedingPair(pair, source, replica, method)
    finally:
        for node in (source, replica):
            node.close()
        if server_options:
            pair.restart_server(pair.replica)
