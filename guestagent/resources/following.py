"""Which clusters may follow a cluster's source, and which one it follows itself: the same for all engines. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from guestagent.errors import OrderRefused, Problem
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import AdmitFollower, RevokeFollower


@dataclass(frozen=True, slots=True)
class Admission:
    """A cluster that may follow. Its replicas connect from `network` (CIDR), with one account.

    `key_id` names the key from which the account's password is derived.
    """

    follower: str
    network: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedSource:
    """The source that a cluster follows: of the cluster `cluster`, whose id in the store is `cluster_id`.

    `address` is where its replicas find it, `key_id` that of its admission. `tls` are the keys of the source's TLS in a
    cluster.yaml, or None.
    """

    cluster: str
    cluster_id: str
    key_id: str
    address: str
    tls: Mapping[str, object] | None = None


def add_admission(
    admissions: tuple[Admission, ...], order: AdmitFollower, key_id: str
) -> tuple[Admission, ...]:
    """Return the admissions with the order's. Raise OrderRefused for one that is there, and for the cluster itself."""
    if order.follower == order.cluster:
        problem = Problem("follower", "another cluster", order.follower)
        raise OrderRefused(RefusalCode.INVALID, "the order is invalid", [problem])
    if any(each.follower == order.follower for each in admissions):
        raise OrderRefused(
            RefusalCode.EXISTS, f"cluster {order.cluster} has admitted {order.follower} already"
        )
    return (*admissions, Admission(order.follower, str(order.follower_network), key_id))


def remove_admission(admissions: tuple[Admission, ...], order: RevokeFollower) -> tuple[Admission, ...]:
    """Return the admissions without the order's. Raise OrderRefused if it is not there."""
    rest = tuple(each for each in admissions if each.follower != order.follower)
    if len(rest) == len(admissions):
        names = ", ".join(each.follower for each in admissions) or "none"
        raise OrderRefused(
            RefusalCode.NOT_FOUND,
            f"cluster {order.cluster} has not admitted {order.follower}; it has admitted: {names}",
        )
    return rest


def load_admissions(document: Mapping[str, Any]) -> tuple[Admission, ...]:
    """Return the admissions of a document; of an older version there are none."""
    return tuple(Admission(**each) for each in document.get("admissions", ()))


def load_followed(document: Mapping[str, Any]) -> FollowedSource | None:
    """Return the source that the cluster of a document follows, or None."""
    followed = document.get("followed")
    return None if followed is None else FollowedSource(**followed)


def dump_following(admissions: tuple[Admission, ...], followed: FollowedSource | None) -> dict[str, object]:
    """Return the keys of a document that `load_admissions` and `load_followed` read."""
    return {
        "admissions": [asdict(each) for each in admissions],
        "followed": None if followed is None else asdict(followed),
    }
