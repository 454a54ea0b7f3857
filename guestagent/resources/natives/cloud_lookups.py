"""Reads by id what the lists leave open."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudApi, CloudObservation
from guestagent.resources.natives.cluster_view import CloudLookups, ClusterView
from guestagent.resources.natives.lookups import list_lookups
from guestagent.resources.natives.marks import parse_metadata


def read_lookups(cloud: CloudApi, view: ClusterView) -> CloudLookups:
    """Return what a round has to know of single resources. Raise CloudUnreachable if one of them cannot be read."""
    needed = list_lookups(view)
    return replace(
        read_missing(cloud, view),
        actions={each: cloud.list_actions(each) for each in sorted(needed.actions)},
        messages={each: cloud.list_volume_messages(each) for each in sorted(needed.messages)},
    )


def read_missing(cloud: CloudApi, view: ClusterView) -> CloudLookups:
    """Return the recorded servers, volumes and ports that no list shows, and the names of flavors."""
    needed = list_lookups(view)
    return CloudLookups(
        servers={each: cloud.get_server(each) for each in sorted(needed.servers)},
        volumes={each: cloud.get_volume(each) for each in sorted(needed.volumes)},
        ports={each: cloud.get_port(each) for each in sorted(needed.ports)},
        flavors={each: cloud.read_flavor_name(each) for each in sorted(needed.flavors)},
    )


def add_holders(cloud: CloudApi, observed: CloudObservation) -> CloudObservation:
    """Add the servers for which marked volumes are reserved, and which the list of servers has left out."""
    marked = {volume.id for volume in observed.volumes.values() if parse_metadata(volume.metadata)}
    holders = {
        each.server_id
        for each in observed.attachments
        if each.status == "reserved" and each.volume_id in marked and each.server_id
    }
    found = (cloud.get_server(each) for each in sorted(holders - observed.servers.keys()))
    servers = {server.id: server for server in found if server is not None}
    return replace(observed, servers={**observed.servers, **servers}) if servers else observed
