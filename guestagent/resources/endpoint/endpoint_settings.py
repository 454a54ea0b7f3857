"""Where the endpoint listens, and with which certificate. In clear it serves on loopback alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from guestagent.errors import Problem


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Where to listen, and the files of the certificate and its key (PEM); without them in clear, on loopback."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    def find_problems(self) -> Iterator[Problem]:
        """Yield what would let others read the documents, which hold passwords, on their way."""
        if (self.certificate is None) != (self.key is None):
            missing = "private_key" if self.key is None else "certificate"
            yield Problem(f"endpoint.{missing}", "a file: certificate and key belong together", "none")
        elif self.certificate is None and not is_loopback(self.host):
            yield Problem(
                "endpoint.certificate",
                "a file in PEM, because documents hold passwords",
                "none",
                "only on loopback the endpoint serves in clear",
            )


def is_loopback(host: str) -> bool:
    """Return whether only processes of this machine reach that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
