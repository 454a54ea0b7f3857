"""What the donor service depends on, and the certificate that it presents."""

from __future__ import annotations

import os
import pwd
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guestagent.database.server_version import parse_version
from guestagent.database.tls import open_memory_file
from guestagent.errors import SeedError
from guestagent.retry import Clock, SystemClock
from guestagent.seeding.donor.configuration import DonorConfiguration
from guestagent.seeding.programs import SeedPrograms, read_backup_version
from guestagent.seeding.server_facts import read_variables

CERTIFICATE_ADVICE = (
    "give GuestAgent.Donor a Certificate and a Key, or the database server ssl_cert and ssl_key"
)


@dataclass(frozen=True, slots=True)
class DonorEnvironment:
    """`temporary`: mariadb-backup's own folder, which is emptied. `log` gets one line for each event."""

    temporary: Path
    log: Callable[[str], None]
    programs: SeedPrograms = field(default_factory=SeedPrograms)
    clock: Clock = field(default_factory=SystemClock)

    @property
    def user(self) -> str:
        """This process's user, as which it logs in to the database server over its socket."""
        return pwd.getpwuid(os.geteuid()).pw_name

    def read_server_variables(self, configuration: DonorConfiguration) -> Mapping[str, str]:
        """Read the variables of the database server. Raises DatabaseError."""
        return read_variables(configuration.socket, self.user)

    def check_program_version(self, server_version: str) -> None:
        """Raise SeedError unless mariadb-backup is of the server's series: another one cannot copy its files."""
        version = read_backup_version(self.programs)
        if parse_version(version)[:2] != parse_version(server_version)[:2]:
            raise SeedError(
                f"the source's mariadb-backup is of version {version}, and its server is {server_version}",
                "install the mariadb-backup of the server's version on the source",
            )


def build_server_context(configuration: DonorConfiguration, variables: Mapping[str, str]) -> ssl.SSLContext:
    """Build the TLS of the port. Raises SeedError if there is no certificate that can be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if configuration.certificate:
            with (
                open_memory_file(configuration.certificate) as certificate,
                open_memory_file(configuration.key.reveal()) as key,
            ):
                context.load_cert_chain(certificate, key, password=lambda: b"")
        else:
            folder = Path(variables.get("datadir", "/"))
            files = [variables.get(name, "") for name in ("ssl_cert", "ssl_key")]
            if not all(files):
                raise SeedError(
                    "the donor has no certificate, and the database server has none", CERTIFICATE_ADVICE
                )
            context.load_cert_chain(folder / files[0], folder / files[1], password=lambda: b"")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise SeedError(
            "the donor's certificate and key cannot be read, or are no pair", CERTIFICATE_ADVICE
        ) from error
    return context
