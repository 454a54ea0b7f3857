"""Another cluster whose replicas may follow the source of this one: its account, and from where it may come. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_network

from guestagent.controller.network_values import check_ip_version, read_network
from guestagent.metadata.network_shape import check_network
from guestagent.metadata.user_shapes import CREDENTIAL_LENGTH_LIMIT, NAME
from guestagent.validation import Problems

ACCOUNT_PREFIX = "follower_"
DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Follower:
    """A cluster that follows this one: its name, and the network (CIDR) in which its replicas are.

    All its replicas have one account, so it gets more of them without a change here. `Cluster.admit` adds one.
    """

    name: str
    network: str

    @property
    def account(self) -> str:
        """The database user as which its replicas replicate."""
        return build_follower_account(self.name)

    @property
    def password(self) -> str:
        """The name of the hidden parameter with the account's password, which the other cluster has, too."""
        return f"Follower{_digest(self.name)}Password"

    @property
    def ip_network(self) -> IPv4Network | IPv6Network:
        return ip_network(self.network)


def build_follower_account(name: str) -> str:
    """Return the account of the cluster `name` at a source that it follows. A long name is replaced by its digest."""
    account = f"{ACCOUNT_PREFIX}{name}"
    return account if len(account) <= CREDENTIAL_LENGTH_LIMIT else f"{ACCOUNT_PREFIX}{_digest(name)}"


def check_followers(problems: Problems, followers: Sequence[Follower], ipv6: bool) -> None:
    """Check the names and networks, and that no name occurs twice."""
    for index, follower in enumerate(followers):
        cursor = problems.open_cursor(follower, f"followers[{index}]")
        name = cursor.get_child("name", follower.name)
        if name.read_string() is not None:
            NAME.read(cursor.get_child("name", follower.account))
        network_cursor = cursor.get_child("network", follower.network)
        network = read_network(network_cursor)
        if network is not None and check_network(network_cursor, network):
            check_ip_version(network_cursor, network, ipv6)
    for account, count in Counter(follower.account for follower in followers).items():
        if count > 1:
            problems.add("followers", "names that differ", f"{account} {count} times")


def _digest(name: str) -> str:
    return sha256(name.encode("utf-8")).hexdigest()[:DIGEST_LENGTH]
