"""The settings of the service as values, and what is wrong with them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from guestagent.errors import InvalidInput, InvalidSettings, Problem
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings, is_loopback
from guestagent.resources.rpc.broker_settings import BrokerSettings, check_broker
from guestagent.resources.settings_options import OPTION_GROUPS
from guestagent.resources.store.store_location import StoreServer, read_store_location
from guestagent.secret import Secret

AUTO = "auto"
TOPIC_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address of this machine and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSettings:
    """How the guests of NATIVES reach the service. `public_url` None: not at all."""

    public_url: str | None
    server: EndpointSettings
    authority: Path | None
    key_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerSettings:
    """All settings of the service. None: without a broker, notifications, or metrics. `where` is their file's name."""

    engine: str
    workers: int
    settle_s: float
    store: Secret
    cloud: str | None
    guests: GuestSettings
    broker: BrokerSettings | None
    metrics: ListenAddress | None
    notification_topic: str | None = None
    where: str = ""

    @property
    def has_password(self) -> bool:
        """Return whether others must not read the file of these settings."""
        if self.broker is not None and urlsplit(self.broker.url.reveal()).password:
            return True
        location = read_store_location(self.store)
        return isinstance(location, StoreServer) and bool(location.password)


def build_settings(values: Mapping[tuple[str, str], Any], where: str = "") -> ManagerSettings:
    """Build the settings of the options' values. Raise InvalidSettings with every problem."""
    reader = _ValueReader(values)
    listen = reader.read_listener("endpoint", "listen") or ListenAddress("127.0.0.1", 0)
    server = EndpointSettings(
        listen.host,
        listen.port,
        reader.read_path("endpoint", "certificate"),
        reader.read_path("endpoint", "private_key"),
    )
    guests = GuestSettings(
        public_url=reader.read_public_url(),
        server=server,
        authority=reader.read_path("endpoint", "authority"),
        key_file=reader.read_path("endpoint", "key_file") or Path(),
    )
    if guests.public_url is not None:
        reader.problems.extend(server.find_problems())
    settings = ManagerSettings(
        engine=str(values["resources", "engine"]),
        workers=values["resources", "workers"],
        settle_s=float(values["resources", "settle"]),
        store=Secret(str(values["store", "connection"])),
        cloud=values["cloud", "name"] or None,
        guests=guests,
        broker=reader.read_broker(),
        notification_topic=reader.read_notification_topic(),
        metrics=reader.read_listener("metrics", "listen"),
        where=where,
    )
    try:
        read_store_location(settings.store)
    except InvalidInput as error:
        reader.problems.extend(
            Problem("store.connection", each.expected, each.found, each.do) for each in error.problems
        )
    if reader.problems:
        raise InvalidSettings(reader.problems, where)
    return settings


class _ValueReader:
    """Reads values that are more than a text or a number, and collects what is wrong with them."""

    def __init__(self, values: Mapping[tuple[str, str], Any]) -> None:
        self._values = values
        self.problems: list[Problem] = []

    def read_path(self, group: str, name: str) -> Path | None:
        text = self._values[group, name]
        if text and not Path(text).is_absolute():
            self._add_problem(group, name)
        return Path(text) if text else None

    def read_listener(self, group: str, name: str) -> ListenAddress | None:
        """Return the address; None if the option is empty, or wrong."""
        text = self._values[group, name]
        if not text:
            return None
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        if not host or (":" in host) != text.startswith("[") or not port.isdecimal() or int(port) > 65535:
            self._add_problem(group, name)
            return None
        return ListenAddress(host, int(port))

    def read_public_url(self) -> str | None:
        """Return the URL without a slash at its end."""
        text = self._values["endpoint", "public_url"]
        if not text:
            return None
        expected = "https://host:port, without a path"
        try:
            parts = urlsplit(text)
            is_plain = parts.port is None or parts.port > 0
        except ValueError:
            parts, is_plain = urlsplit(""), False
        rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username)
        if not is_plain or not parts.hostname or any(rest) or parts.scheme not in {"http", "https"}:
            self.problems.append(Problem("endpoint.public_url", expected, "another URL"))
        elif parts.scheme == "http" and not is_loopback(parts.hostname):
            advice = "documents hold passwords: in clear they are served within this host alone"
            self.problems.append(Problem("endpoint.public_url", expected, text, advice))
        return str(text).rstrip("/")

    def read_broker(self) -> BrokerSettings | None:
        url = self._values["broker", "url"]
        authority = self.read_path("broker", "authority")
        if not url:
            return None
        settings = BrokerSettings(Secret(url), authority, self._values["broker", "quorum_queues"])
        try:
            check_broker(settings)
        except InvalidInput as error:
            self.problems.extend(error.problems)
        except ValueError:
            found = "a URL that cannot be parsed"
            self.problems.append(
                Problem("broker.url", "a URL, as in rabbit://user:password@host/vhost", found)
            )
            return None
        return settings

    def read_notification_topic(self) -> str | None:
        topic = self._values["broker", "notification_topic"]
        if not topic:
            return None
        if not TOPIC_PATTERN.fullmatch(topic):
            expected = "letters, digits, dots, dashes and underscores, 100 at most"
            self.problems.append(Problem("broker.notification_topic", expected, topic))
        if not self._values["broker", "url"]:
            self.problems.append(Problem("broker.url", "a broker for broker.notification_topic", "none"))
        return str(topic)

    def _add_problem(self, group: str, name: str) -> None:
        option = next(each for each in OPTION_GROUPS[group] if each.name == name)
        self.problems.append(option.describe_problem(group, str(self._values[group, name])))
