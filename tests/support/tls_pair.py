"""A source whose certificate can be replaced, and a replica: TLS between guests of any flavour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.support.agent_guest import AgentGuest, build_replica_document
from tests.support.certificates import Certificate, CertificateAuthority
from tests.support.family_statements import TLS_STATEMENTS, TlsStatements

SOURCE_ADDRESS = "127.0.0.2"
"""The source's address for replicas. MariaDB 11.8 does not verify the name in a certificate of 127.0.0.1."""


@dataclass(frozen=True)
class TlsPair:
    """`ca` signed `valid_certificate`, `foreign_ca` did not; the source reads `served_certificate`."""

    source: AgentGuest
    replica: AgentGuest
    ca: CertificateAuthority
    foreign_ca: CertificateAuthority
    valid_certificate: Certificate
    served_certificate: Certificate

    def serve_certificate(self, certificate: Certificate) -> None:
        """Make the source use this certificate."""
        self.served_certificate.overwrite_with(certificate)
        try:
            self.source.server.execute(self.statements.reload)
        except pymysql.OperationalError:
            # A running MySQL rejects an expired certificate.
            self.source.server.stop()
            self.source.server.start()

    def apply_on_replica(self, **tls: Any) -> dict[str, Any]:
        """Run `apply` on the replica with these TLS settings, and return its report."""
        return self.replica.apply(self.build_document(**tls))

    def build_document(self, **tls: Any) -> dict[str, Any]:
        section: dict[str, Any] = {"TLS": tls} if tls else {}
        document = build_replica_document(self.source.server.port, Deadline=3, **section)
        return document | {"Master": document["Master"] | {"Address": SOURCE_ADDRESS}}

    def read_channel_column(self, column: str) -> str | None:
        """Return a column of the channel's status; `source_` and `replica_` stand for the prefixes of the family."""
        family = {"source_": self.statements.source, "replica_": self.statements.replica}
        [prefix] = [each for each in family if column.startswith(each)]
        return self.replica.server.execute(self.statements.status)[0][
            family[prefix] + column.removeprefix(prefix)
        ]

    def list_stream_types(self) -> list[str | None]:
        """Return the connection type of each replication connection, from the source."""
        return [row["way"] for row in self.source.server.execute(self.statements.streams)]

    def read_account_requirement(self) -> str:
        """Return the definition of the replication account on the source."""
        return str(self.source.server.execute("SHOW CREATE USER slave0000@'%'")[0])

    def list_channel_files(self) -> list[Path]:
        return sorted((self.replica.server.folder / "data").glob("*guestagent-channel-*"))

    @property
    def statements(self) -> TlsStatements:
        return TLS_STATEMENTS[self.source.server.flavour.family]


def get_condition(report: dict[str, Any], name: str) -> dict[str, str]:
    """Return the condition of this name."""
    condition: dict[str, str] = next(each for each in report["conditions"] if each["name"] == name)
    return condition
