"""A donor service in a thread. No database server is behind it."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint
from guestagent.seeding.donor import (
    AdmittedReplica,
    DonorConfiguration,
    DonorEnvironment,
    DonorServer,
    write_configuration,
)
from guestagent.seeding.donor_client import DonorClient
from guestagent.seeding.stream_messages import StreamRequest
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.polling import wait_until

REQUEST = StreamRequest("Replica0001", "donor0001", Secret("right word"))


@dataclass(slots=True)
class RunningDonor:
    """A donor service in a thread, which admits the replica of REQUEST."""

    path: Path
    configuration: DonorConfiguration
    clock: FakeClock = field(default_factory=FakeClock)
    log: list[str] = field(default_factory=list)
    is_running: bool = True

    @property
    def endpoint(self) -> DonorEndpoint:
        der = ssl.PEM_cert_to_DER_cert(self.configuration.certificate)
        fingerprint = hashlib.sha256(der).hexdigest()
        return DonorEndpoint(
            "127.0.0.1", 0, "", Secret(""), stream_port=self.configuration.port, fingerprint=fingerprint
        )

    def connect(self) -> DonorClient:
        return DonorClient(self.endpoint, lambda: None)

    def has_logged(self, text: str) -> bool:
        return any(text in line for line in self.log)

    def serve(self) -> None:
        environment = DonorEnvironment(self.path.parent / "temporary", self.log.append, clock=self.clock)
        DonorServer(self.path, environment, lambda: False).serve()
        self.is_running = False


@contextmanager
def run_donor(folder: Path, authority: CertificateAuthority) -> Iterator[RunningDonor]:
    """Run a donor until its configuration is removed."""
    certificate, key = authority.valid.texts
    replica = AdmittedReplica(REQUEST.node, REQUEST.user, REQUEST.password)
    configuration = DonorConfiguration(
        find_free_port(), "/no/socket", "/data", (replica,), certificate, Secret(key)
    )
    donor = RunningDonor(folder / "donor.json", configuration)
    write_configuration(donor.path, configuration)
    thread = threading.Thread(target=donor.serve)
    thread.start()
    wait_until(lambda: donor.has_logged("listening"))
    try:
        yield donor
    finally:
        donor.path.unlink(missing_ok=True)
        thread.join()
