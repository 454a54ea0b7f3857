"""A source whose server has a certificate that can be exchanged, and a replica: TLS between guests of any flavour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.integration.test_agent import AgentGuest, build_replica_document
from tests.support.certificates import Certificate, CertificateAuthority
from tests.support.family_statements import TLS_STATEMENTS, TlsStatements

SOURCE_ADDRESS = "127.0.0.2"
"""Where replicas reach the source. A MariaDB 11.8 compares no name with the certificate of a source at 127.0.0.1."""


@dataclass(frozen=True)
class TlsPair:
    """`ca` signed what the source shows (`right` at first), `stranger` nothing of it; `served`: where it shows it."""

    source: AgentGuest
    replica: AgentGuest
    ca: CertificateAuthority
    foreign_ca: CertificateAuthority
    valid_certificate: Certificate
    served_certificate: Certificate

    def serve_certificate(self, pair: Certificate) -> None:
        """The source's server shows this certificate from now on."""
        self.served_certificate.overwrite_with(pair)
        try:
            self.source.server.execute(self.statements.reload)
        except pymysql.OperationalError:
            # While it runs, a MySQL takes none that has expired.
            self.source.server.stop()
            self.source.server.start()

    def apply_on_replica(self, **tls: Any) -> dict[str, Any]:
        """What `apply` says on the replica, told of no TLS, or of this; given time to fail for good."""
        return self.replica.apply(self.build_document(**tls))

    def build_document(self, **tls: Any) -> dict[str, Any]:
        section: dict[str, Any] = {"TLS": tls} if tls else {}
        document = build_replica_document(self.source.server.port, Deadline=3, **section)
        return document | {"Master": document["Master"] | {"Address": SOURCE_ADDRESS}}

    def read_channel_column(self, column: str) -> str | None:
        """Of the channel's status: `source_` and `replica_` stand for what the family says."""
        family = {"source_": self.statements.source, "replica_": self.statements.replica}
        [start] = [each for each in family if column.startswith(each)]
        return self.replica.server.execute(self.statements.status)[0][
            family[start] + column.removeprefix(start)
        ]

    def list_stream_types(self) -> list[str | None]:
        """How each connection comes along on which the source streams, as it tells itself."""
        return [row["way"] for row in self.source.server.execute(self.statements.streams)]

    def read_account_requirement(self) -> str:
        """What the replication account demands, as its source spells it."""
        return str(self.source.server.execute("SHOW CREATE USER slave0000@'%'")[0])

    def list_channel_files(self) -> list[Path]:
        return sorted((self.replica.server.folder / "data").glob("*guestagent-channel-*"))

    @property
    def statements(self) -> TlsStatements:
        return TLS_STATEMENTS[self.source.server.flavour.family]
