"""`guestagent donor serve` for a real source, in a process that can be killed."""

from __future__ import annotations

import hashlib
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint
from guestagent.seeding.donor import AdmittedReplica, DonorConfiguration, write_configuration
from tests.support.certificates import Certificate
from tests.support.database_servers import DatabaseServer, find_free_port, provide_server_root
from tests.support.polling import wait_until
from tests.support.processes import find_processes
from tests.support.seed_sources import PASSWORD

PROCESS_TIMEOUT_S = 120.0


def compute_fingerprint(certificate: Certificate) -> str:
    der = ssl.PEM_cert_to_DER_cert(certificate.certificate.read_text())
    return hashlib.sha256(der).hexdigest()


@dataclass(slots=True)
class DonorProcess:
    """The donor service of a source."""

    source: DatabaseServer
    folder: Path
    certificate: Certificate
    port: int = field(default_factory=find_free_port)
    rate_limit: int = 0
    command_prefix: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        return self.folder / "donor.json"

    @property
    def log(self) -> str:
        return (self.folder / "donor.log").read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def build_endpoint(self, node: str = "Replica0001") -> DonorEndpoint:
        """Build what this replica knows of the donor."""
        return DonorEndpoint(
            host="127.0.0.1",
            port=self.source.port,
            user=f"donor-{node}",
            password=PASSWORD,
            stream_port=self.port,
            fingerprint=compute_fingerprint(self.certificate),
        )

    def configure(self, *nodes: str) -> None:
        """Admit these nodes."""
        certificate, key = self.certificate.texts
        write_configuration(
            self.path,
            DonorConfiguration(
                port=self.port,
                socket=self.source.socket,
                data_directory=f"{self.source.folder}/data",
                replicas=tuple(AdmittedReplica(node, f"donor-{node}", PASSWORD) for node in nodes),
                certificate=certificate,
                key=Secret(key),
                rate_limit=self.rate_limit,
            ),
        )

    def start(self) -> None:
        root = str(provide_server_root(self.source.flavour))
        argv = (sys.executable, "-m", "tests.support.donor_service", str(self.path), root)
        with (self.folder / "donor.log").open("ab") as log:
            self._process = subprocess.Popen((*self.command_prefix, *argv), stdout=log, stderr=log)
        before = self.log.count("listening")
        wait_until(lambda: self.log.count("listening") > before)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the service, and return its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of the service, and return its exit status."""
        assert self._process is not None
        status = self._process.wait(PROCESS_TIMEOUT_S)
        self._process = None
        return status

    def list_backups(self) -> list[int]:
        """Return the process ids of its mariadb-backup."""
        return find_processes("mariadb-backup", f"--socket={self.source.socket}")
