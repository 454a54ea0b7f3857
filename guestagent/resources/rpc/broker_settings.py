"""Where the message broker is, and how its certificate is verified. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from guestagent.errors import InvalidSettings, Problem
from guestagent.secret import Secret

SCHEMES = ("rabbit", "kombu+memory", "fake")
"""RabbitMQ, and what stands for it in tests."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The broker. `url` has its password; `authority` is the CA of its certificate, and with it TLS is used."""

    url: Secret
    authority: Path | None = None
    quorum_queues: bool = False

    @property
    def is_in_clear(self) -> bool:
        """Whether the password goes to another host without TLS."""
        parts = urlsplit(self.url.reveal())
        hosts = [host.rpartition("@")[2] for host in parts.netloc.split(",")]
        names = {host.rpartition(":")[0].strip("[]") if ":" in host else host for host in hosts}
        return parts.scheme == "rabbit" and self.authority is None and not names <= {*LOOPBACK, ""}


def check_broker(settings: BrokerSettings) -> None:
    """Raise InvalidSettings for a URL that oslo.messaging does not know, or that could turn its verification off."""
    problems = tuple(_find_problems(settings.url.reveal()))
    if problems:
        raise InvalidSettings(problems)


def _find_problems(url: str) -> Iterator[Problem]:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        found = f"{parts.scheme}://..." if parts.scheme else "no URL"
        yield Problem("broker.url", "rabbit://user:password@host:port/vhost", found)
    if parts.query or parts.fragment:
        yield Problem(
            "broker.url",
            "a URL without ? and #",
            "one of them",
            "TLS is on with broker.authority; in a password write %3F and %23",
        )
