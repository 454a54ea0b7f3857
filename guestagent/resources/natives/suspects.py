"""What an audit looks for: resources with our marks that nothing explains, and what nothing of ours explains. Pure.

A record explains the resource that it names, and every resource that its request may have created. What is wanted
explains a resource that the next round will find by its mark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView, list_marks
from guestagent.resources.natives.marks import ENGINE_NAME, Mark, parse_metadata
from guestagent.resources.natives.provisioning import choose_key
from guestagent.resources.natives.requests import (
    CloudRequest,
    DeleteAttachment,
    DeleteGroup,
    DeletePort,
    DeleteServer,
    DeleteServerGroup,
)
from guestagent.resources.natives.volume_deletion import build_named_deletion
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase
from guestagent.resources.views import FindingKind, build_finding_id

KEEP_ADVICE = "kept by an order, or left over: to clean it deletes its data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Something that one look shows. `users` are what else uses it; while there are any it cannot be cleaned.

    `request` deletes it, once what is in `blockers` is gone. `needs_second_look`: one look may have come too early.
    """

    kind: FindingKind
    resource: str
    cloud_id: str
    cluster: str
    instance: str = ""
    text: str = ""
    state: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    blockers: frozenset[str] = frozenset()
    request: CloudRequest | None = None
    needs_second_look: bool = True

    @property
    def id(self) -> str:
        return build_finding_id(ENGINE_NAME, self.resource, self.cloud_id, *self.state, *self.users)

    @property
    def is_cleanable(self) -> bool:
        return self.request is not None and not self.users


@dataclass(frozen=True, slots=True)
class KnownClusters:
    """The clusters of NATIVES in the store of which something is wanted, by their UUIDs.

    `unreadable` are the UUIDs of those that cannot be read: nobody can tell what of theirs is left over.
    """

    store_id: str
    views: Mapping[str, ClusterView] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()

    def can_judge(self, mark: Mark) -> bool:
        """Return whether the mark is of this store, and of no cluster that cannot be read."""
        return mark.store_id == self.store_id and mark.cluster_id not in self.unreadable

    def find_view(self, mark: Mark) -> ClusterView | None:
        return self.views.get(mark.cluster_id)


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A marked resource that nothing explains. A twin is a second one of what there is already."""

    cloud_id: str
    mark: Mark
    is_twin: bool


def list_marked_suspects(
    known: KnownClusters, observed: CloudObservation, cluster: str = ""
) -> list[Suspect]:
    """Return what has our marks and is explained by nothing, and reservations for servers that do not exist.

    With `cluster` only what is marked for a cluster of this name. What is used by a suspect of the same cluster alone
    is not in use.
    """
    marks = [
        (cloud_id, mark)
        for cloud_id, mark in list_marks(observed)
        if known.can_judge(mark) and cluster in {"", mark.key.cluster}
    ]
    unexplained = [
        Unexplained(cloud_id, mark, is_twin)
        for cloud_id, mark in marks
        if mark.key.kind in BUILDERS and (is_twin := judge_mark(known, cloud_id, mark)) is not None
    ]
    leaked = [each for each in _list_leaked_reservations(known, observed) if cluster in {"", each.cluster}]
    suspicious = defaultdict[str, set[str]](set)
    for each in unexplained:
        suspicious[each.mark.key.cluster].add(each.cloud_id)
    for reservation in leaked:
        suspicious[reservation.cluster].add(reservation.cloud_id)
    built = [
        BUILDERS[each.mark.key.kind](each, observed, frozenset(suspicious[each.mark.key.cluster]))
        for each in unexplained
    ]
    return [*built, *leaked]


def judge_mark(known: KnownClusters, cloud_id: str, mark: Mark) -> bool | None:
    """Return None if a marked resource is explained; otherwise whether it is a twin."""
    view = known.find_view(mark)
    if view is None:
        return False
    record = view.records.get(mark.key)
    if record is None:
        return None if _is_expected(view, mark.key) else False
    if record.phase in UNCERTAIN_PHASES or record.cloud_id == cloud_id:
        return None
    is_adopted = record.phase is ResourcePhase.GONE and mark.key.kind is ResourceKind.SERVER
    return None if is_adopted else True


def _is_expected(view: ClusterView, key: ResourceKey) -> bool:
    """Return whether the next round finds a resource without a record by its mark."""
    if key.kind is ResourceKind.GROUP:
        return key.name in view.wanted.groups
    if key.kind is ResourceKind.SERVER_GROUP:
        return bool(view.wanted.instances)
    instance = view.wanted.find_instance(key.instance)
    if instance is None:
        return False
    if key.kind is ResourceKind.SERVER:
        return key.epoch == instance.epoch
    return key == choose_key(view, key.kind, key.instance)


def _describe(each: Unexplained, what: str) -> str:
    owner = "/".join(
        part for part in (each.mark.key.cluster, each.mark.key.instance or each.mark.key.name) if part
    )
    reason = "there is another one already" if each.is_twin else "nothing in the store explains it"
    return f"{what} of {owner}: {reason}"


def _choose_kind(each: Unexplained) -> FindingKind:
    return FindingKind.TWIN if each.is_twin else FindingKind.ORPHAN


def _build_server(each: Unexplained, observed: CloudObservation, suspicious: frozenset[str]) -> Suspect:
    server = observed.servers[each.cloud_id]
    volumes = sorted(one.volume_id for one in observed.attachments if one.server_id == server.id)
    kept = f"; its volume {', '.join(volumes)} stays" if volumes else ""
    return Suspect(
        kind=_choose_kind(each),
        resource=str(ResourceKind.SERVER),
        cloud_id=server.id,
        cluster=each.mark.key.cluster,
        instance=each.mark.key.instance,
        text=_describe(each, f"server {server.name} ({server.status})") + kept,
        state=(server.created_at, server.flavor, each.mark.cluster_id),
        request=DeleteServer(server_id=server.id),
    )


def _build_port(each: Unexplained, observed: CloudObservation, suspicious: frozenset[str]) -> Suspect:
    port = observed.ports[each.cloud_id]
    device = {port.device_id} - {""}
    users = tuple(sorted(device - suspicious))
    used = f"; it is at server {port.device_id}" if users else ""
    return Suspect(
        kind=_choose_kind(each),
        resource=str(ResourceKind.PORT),
        cloud_id=port.id,
        cluster=each.mark.key.cluster,
        instance=each.mark.key.instance,
        text=_describe(each, f"port {', '.join(port.addresses) or port.name}") + used,
        state=(each.mark.cluster_id,),
        users=users,
        blockers=frozenset(device),
        request=DeletePort(port_id=port.id),
    )


def _build_group(each: Unexplained, observed: CloudObservation, suspicious: frozenset[str]) -> Suspect:
    group = observed.groups[each.cloud_id]
    ports = frozenset(port.id for port in observed.ports.values() if group.id in port.groups)
    users = tuple(sorted(ports - suspicious))
    used = f"; ports that have it: {', '.join(users)}" if users else ""
    return Suspect(
        kind=_choose_kind(each),
        resource=str(ResourceKind.GROUP),
        cloud_id=group.id,
        cluster=each.mark.key.cluster,
        text=_describe(each, f"security group {group.name}") + used,
        state=(each.mark.cluster_id,),
        users=users,
        blockers=ports,
        request=DeleteGroup(group_id=group.id),
    )


def _build_server_group(each: Unexplained, observed: CloudObservation, suspicious: frozenset[str]) -> Suspect:
    """Build the suspect of a server group. Its servers go on without it."""
    return Suspect(
        kind=_choose_kind(each),
        resource=str(ResourceKind.SERVER_GROUP),
        cloud_id=each.cloud_id,
        cluster=each.mark.key.cluster,
        text=_describe(each, "server group"),
        state=(each.mark.cluster_id,),
        request=DeleteServerGroup(group_id=each.cloud_id),
    )


def _build_volume(each: Unexplained, observed: CloudObservation, suspicious: frozenset[str]) -> Suspect:
    """Build the suspect of a data volume. Nobody can tell from outside whether it holds data."""
    volume = observed.volumes[each.cloud_id]
    attachments = [one for one in observed.attachments if one.volume_id == volume.id]
    blockers = frozenset(one.id for one in attachments)
    users = tuple(
        sorted(one.server_id or one.id for one in attachments if not {one.server_id, one.id} & suspicious)
    )
    used = f"; servers that have it: {', '.join(users)}" if users else ""
    what = f"data volume {volume.name} ({volume.size_gib} GiB, {volume.status})"
    return Suspect(
        kind=FindingKind.TWIN if each.is_twin else FindingKind.KEPT_VOLUME,
        resource=str(ResourceKind.VOLUME),
        cloud_id=volume.id,
        cluster=each.mark.key.cluster,
        instance=each.mark.key.instance,
        text=f"{_describe(each, what)}; {KEEP_ADVICE}{used}",
        state=(each.mark.cluster_id, str(volume.size_gib)),
        users=users,
        blockers=blockers,
        request=build_named_deletion(volume.id),
    )


def _list_leaked_reservations(known: KnownClusters, observed: CloudObservation) -> Iterator[Suspect]:
    """Yield reservations of our volumes for servers that no list shows, and that no request may still create."""
    for attachment in observed.attachments:
        volume = observed.volumes.get(attachment.volume_id)
        mark = None if volume is None else parse_metadata(volume.metadata)
        if mark is None or not known.can_judge(mark) or attachment.status != "reserved":
            continue
        if attachment.server_id in observed.servers or _is_server_awaited(known, mark):
            continue
        yield Suspect(
            kind=FindingKind.LEAKED_RESERVATION,
            resource="attachment",
            cloud_id=attachment.id,
            cluster=mark.key.cluster,
            instance=mark.key.instance,
            text=f"volume {attachment.volume_id} is reserved for server {attachment.server_id}, which does not exist",
            state=(attachment.volume_id, attachment.server_id),
            request=DeleteAttachment(attachment_id=attachment.id),
        )


def _is_server_awaited(known: KnownClusters, mark: Mark) -> bool:
    """Return whether a server of the instance may still come, or moves: its rounds take care of the reservation."""
    view = known.find_view(mark)
    if view is None:
        return False
    awaited: Sequence[ResourceKind] = (ResourceKind.RESIZE, ResourceKind.MIGRATION)
    return any(
        record.key.instance == mark.key.instance
        and (record.key.kind in awaited or record.key.kind is ResourceKind.SERVER)
        and record.phase in UNCERTAIN_PHASES
        for record in view.records.values()
    )


BUILDERS: Mapping[ResourceKind, Callable[[Unexplained, CloudObservation, frozenset[str]], Suspect]] = {
    ResourceKind.SERVER: _build_server,
    ResourceKind.PORT: _build_port,
    ResourceKind.GROUP: _build_group,
    ResourceKind.SERVER_GROUP: _build_server_group,
    ResourceKind.VOLUME: _build_volume,
}
