"""A source whose server has a certificate that can be exchanged, and a replica: TLS between guests of any flavour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.integration.certificates import Authority, Certificate
from tests.integration.database.spoken import ENCRYPTED, Encrypted
from tests.integration.test_agent import Guest, replica_document

ADDRESS = "127.0.0.2"
"""Where replicas reach the source. A MariaDB 11.8 compares no name with the certificate of a source at 127.0.0.1."""


@dataclass(frozen=True)
class Secured:
    """`ca` signed what the source shows (`right` at first), `stranger` nothing of it; `served`: where it shows it."""

    source: Guest
    replica: Guest
    ca: Authority
    stranger: Authority
    right: Certificate
    served: Certificate

    def serve(self, pair: Certificate) -> None:
        """The source's server shows this certificate from now on."""
        self.served.become(pair)
        try:
            self.source.server.ask(self.words.reload)
        except pymysql.OperationalError:
            # While it runs, a MySQL takes none that has expired.
            self.source.server.stop()
            self.source.server.start()

    def follow(self, **tls: Any) -> dict[str, Any]:
        """What `apply` says on the replica, told of no TLS, or of this; given time to fail for good."""
        return self.replica.apply(self.document(**tls))

    def document(self, **tls: Any) -> dict[str, Any]:
        section: dict[str, Any] = {"TLS": tls} if tls else {}
        document = replica_document(self.source.server.port, Deadline=3, **section)
        return document | {"Master": document["Master"] | {"Address": ADDRESS}}

    def channel(self, column: str) -> str | None:
        """Of the channel's status: `source_` and `replica_` stand for what the family says."""
        family = {"source_": self.words.source, "replica_": self.words.replica}
        [start] = [each for each in family if column.startswith(each)]
        return self.replica.server.ask(self.words.status)[0][family[start] + column.removeprefix(start)]

    def streams(self) -> list[str | None]:
        """How each connection comes along on which the source streams, as it tells itself."""
        return [row["way"] for row in self.source.server.ask(self.words.streams)]

    def demanded(self) -> str:
        """What the replication account demands, as its source spells it."""
        return str(self.source.server.ask("SHOW CREATE USER slave0000@'%'")[0])

    def files(self) -> list[Path]:
        return sorted((self.replica.server.folder / "data").glob("*guestagent-channel-*"))

    @property
    def words(self) -> Encrypted:
        return ENCRYPTED[self.source.server.flavour.family]
