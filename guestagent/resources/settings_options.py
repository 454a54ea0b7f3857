"""The options of the service's settings, declared once: read by oslo.config, listed in the sample. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.errors import Problem

HIDDEN = "something else (not shown, because it may hold a password)"


class OptionKind(str, Enum):
    """What an option's value is."""

    TEXT = "text"
    NUMBER = "number"  # a whole one
    SWITCH = "switch"
    PATH = "path"  # an absolute one
    LISTENER = "listener"  # an address and a port

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOption:
    """One option. `is_secret`: its value may hold a password, and is shown nowhere."""

    name: str
    help: str
    kind: OptionKind = OptionKind.TEXT
    default: str | int | bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    is_secret: bool = False

    def describe_problem(self, group: str, found: str) -> Problem:
        """Return the problem of a value that is none of this option's."""
        expected = {
            OptionKind.TEXT: "a text",
            OptionKind.NUMBER: f"a whole number between {self.minimum} and {self.maximum}",
            OptionKind.SWITCH: "true or false",
            OptionKind.PATH: "an absolute path",
            OptionKind.LISTENER: "an address and a port, as in 127.0.0.1:8785 or [::1]:8785",
        }[self.kind]
        return Problem(f"{group}.{self.name}", expected, HIDDEN if self.is_secret else found or "nothing")


OPTION_GROUPS: Mapping[str, tuple[SettingOption, ...]] = {
    "resources": (
        SettingOption(
            name="engine",
            default="auto",
            help="The engine: natives (Nova, Cinder and Neutron alone), orchestrator (Heat), migration (Heat for "
            "new clusters, natives for those that it has made), or another one that is installed. auto takes natives "
            "if the cloud's catalog has no Heat; otherwise migration if the store has clusters of natives, else "
            "orchestrator.",
        ),
        SettingOption(
            name="workers",
            kind=OptionKind.NUMBER,
            default=2,
            minimum=1,
            maximum=64,
            help="The number of clusters that this process works on at once.",
        ),
        SettingOption(
            name="settle",
            kind=OptionKind.NUMBER,
            default=120,
            minimum=120,
            maximum=3600,
            help="Seconds for which the effect of a request may be late: the longest that a proxy in front of the "
            "cloud may hold a request whose client has given up.",
        ),
    ),
    "store": (
        SettingOption(
            name="connection",
            default="sqlite:////var/lib/guestagent-resources/orders.db",
            is_secret=True,
            help="The store of orders: sqlite:////absolute/path for one host, or "
            "mysql+pymysql://user:password@host/database for several. Options of the URL: ssl_ca, ssl_cert, ssl_key, "
            "unix_socket, ssl_disabled=true. Between hosts the connection is TLS, unless the URL disables it.",
        ),
    ),
    "cloud": (
        SettingOption(
            name="name",
            help="The cloud in clouds.yaml. Without it OS_CLOUD, or the other OS_ variables, say which.",
        ),
    ),
    "endpoint": (
        SettingOption(
            name="public_url",
            help="The address at which the guests of natives reach this endpoint, as in https://manager.example:8785. "
            "Natives needs it. Several hosts have one address, behind a load balancer.",
        ),
        SettingOption(
            name="listen",
            kind=OptionKind.LISTENER,
            default="127.0.0.1:8785",
            help="Where the endpoint listens. Beyond loopback it needs a certificate.",
        ),
        SettingOption(
            name="certificate",
            kind=OptionKind.PATH,
            help="The file of the endpoint's certificate (PEM), with those between it and the CA.",
        ),
        SettingOption(
            name="private_key",
            kind=OptionKind.PATH,
            help="The file of the certificate's key (PEM), readable by this service alone.",
        ),
        SettingOption(
            name="authority",
            kind=OptionKind.PATH,
            help="The file of the CA (PEM) that the guests are told to trust. Without it they trust their image's.",
        ),
        SettingOption(
            name="key_file",
            kind=OptionKind.PATH,
            default="/var/lib/guestagent-resources/keys.json",
            help="The file of the keys that sign addresses, and from which passwords are derived. The first start "
            "makes it. Back it up; every host needs the same file.",
        ),
    ),
    "broker": (
        SettingOption(
            name="url",
            is_secret=True,
            help="The message broker, as in rabbit://user:password@host:5671/vhost. Without it the commands of this "
            "host alone reach the service, by its store.",
        ),
        SettingOption(
            name="authority",
            kind=OptionKind.PATH,
            help="The file of the CA (PEM) of the broker's certificate. With it the connection is TLS.",
        ),
        SettingOption(
            name="quorum_queues",
            kind=OptionKind.SWITCH,
            default=False,
            help="Use quorum queues. All programs of a vhost need the same choice.",
        ),
        SettingOption(
            name="notification_topic",
            help="The topic to which notifications of the beginning and end of each operation are sent. Without it "
            "none are sent.",
        ),
    ),
    "metrics": (
        SettingOption(
            name="listen",
            kind=OptionKind.LISTENER,
            default="127.0.0.1:9785",
            help="Where /healthz and /metrics are served, in clear and to everybody who reaches it; empty: nowhere.",
        ),
    ),
}
