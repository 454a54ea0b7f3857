"""What passes between a stack and those that follow it, or the one that it follows: passwords, and an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guestagent.controller.cluster import Cluster
from guestagent.controller.follower import build_follower_account
from guestagent.metadata import Tls
from guestagent.resources.orchestrator.stack_reference import StackReference
from guestagent.resources.orchestrator.stack_updates import has_follower
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import AdmitFollower, CreateCluster
from guestagent.resources.source_directory import SourceDirectory
from guestagent.secret import Secret


def derive_shared_passwords(
    view: StackView, cluster: Cluster, sources: SourceDirectory
) -> Mapping[str, Secret] | None:
    """Return the passwords, by account, that the order's request gives to Heat; None: none that two clusters share.

    `cluster` is that of the stack before the request, or the new one. Raise StorageError if the key is missing.
    """
    followed, order = view.reference.followed, view.order
    if isinstance(order, CreateCluster) and followed is not None:
        name = view.reference.name
        password = sources.derive_password(followed.key_id, followed.cluster_id, name)
        return {build_follower_account(name): password}
    if not isinstance(order, AdmitFollower) or has_follower(cluster, order):
        return None
    admission = next(each for each in view.reference.admissions if each.follower == order.follower)
    password = sources.derive_password(admission.key_id, view.snapshot.cluster.id, order.follower)
    return {build_follower_account(order.follower): password}


def note_source(reference: StackReference, cluster: Cluster, outputs: Mapping[str, object]) -> StackReference:
    """Return the reference with how followers reach the stack's source."""
    address = outputs.get(f"{cluster.own_source.name}Address")
    return replace(
        reference,
        source_address="" if address is None else str(address),
        source_tls=None if cluster.tls is None else _dump_tls(cluster.tls),
    )


def _dump_tls(tls: Tls) -> dict[str, object]:
    """Return the keys of cluster.yaml."""
    authority = {} if tls.ca is None else {"ca": str(tls.ca)}
    return {**authority, "verify": tls.verify, "required": tls.required}
