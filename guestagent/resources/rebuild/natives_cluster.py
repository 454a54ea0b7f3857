"""A cluster of NATIVES from the marks and facts of its resources. Pure.

Passwords and generations are in no mark. So a rebuilt cluster begins with a rotation: each node gets a generation that
it has never had, and each replica a password that it has never had, while its source goes on to accept the present one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.controller.cluster import FIRST_REPLICA_ID, FIRST_SERVER_ID
from guestagent.controller.cluster_file import read_document
from guestagent.metadata.document import DEFAULT_DONOR_PORT
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.natives.instance_facts import compute_settings_digest
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.rebuild.marked_instance import MarkedInstance
from guestagent.resources.rebuild.marked_resources import MarkedResources
from guestagent.resources.rebuild.rebuilt_cluster import NUMBER_GAP, RebuiltCluster
from guestagent.resources.rule import Rule
from guestagent.resources.store.records import ClusterRecord, SignalEntry
from guestagent.resources.wanted import (
    DATABASE_GROUP,
    REPLICA_PREFIX,
    WantedCluster,
    WantedInstance,
    WantedVolume,
)
from guestagent.resources.wanted_document import dump_wanted

REBUILT = "the store was rebuilt"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildInputs:
    """What the cloud does not tell. `descriptions` are what the clusters were created from, as it was wanted then.

    `ring` is None if there is no cluster of NATIVES.
    """

    ring: KeyRing | None
    generation: int
    descriptions: Mapping[str, WantedCluster]

    @property
    def keys(self) -> KeyRing:
        """The service's keys, which clusters of NATIVES depend on."""
        assert self.ring is not None, "the keys are read if there is such a cluster"
        return self.ring


def rebuild_natives_cluster(marked: MarkedResources, inputs: RebuildInputs) -> RebuiltCluster:
    """Return the cluster that these resources show, with every contradiction and gap."""
    description = inputs.descriptions.get(marked.name)
    problems = [*marked.find_problems(), *_find_settings_problems(marked, description)]
    wanted = _build_wanted(marked, inputs, description)
    record = ClusterRecord(
        id=marked.cluster_id, name=marked.name, engine=ENGINE_NAME, wanted=dump_wanted(wanted)
    )
    signals = tuple(
        # Its volume holds data: without this its node would be told that it may be blank.
        SignalEntry(instance=each.name, generation=each.generation - 1, is_success=True, reason=REBUILT)
        for each in wanted
    )
    return RebuiltCluster(
        cluster=record,
        resources=marked.build_records(),
        signals=signals,
        problems=tuple(problems),
        notes=tuple(_list_notes(marked, inputs)),
        lines=(*map(str, marked.instances), *_describe_groups(wanted)),
    )


def _build_wanted(
    marked: MarkedResources, inputs: RebuildInputs, description: WantedCluster | None
) -> WantedCluster:
    ring, generation = inputs.keys, inputs.generation
    deadline_s = _read_default_deadline() if description is None else description.instances[0].deadline_s
    instances = tuple(_build_instance(each, generation, deadline_s) for each in marked.instances)
    first = marked.instances[0] if marked.instances else None
    server_ids = [each.server_id for each in instances]
    numbers = [number for name in marked.names if (number := read_replica_number(name)) is not None]
    network = "" if first is None or first.port is None else first.port.network
    return WantedCluster(
        name=marked.name,
        network=network if description is None else description.network,
        subnet=None if description is None else description.subnet,
        key_pair=None if first is None else first.server.key_pair,
        instances=instances,
        groups={name: _take_rules(name, group.rules) for name, group in marked.groups.items()},
        settings={} if description is None else description.settings,
        key_id=ring.newest,
        previous_keys=tuple(key_id for key_id in reversed(list(ring.keys)) if key_id != ring.newest),
        is_rotating=len(instances) > 1,
        next_server_id=max([FIRST_REPLICA_ID, *server_ids, *(FIRST_REPLICA_ID + each for each in numbers)])
        + NUMBER_GAP,
        next_replica=max([0, *numbers]) + NUMBER_GAP,
    )


def _build_instance(marked: MarkedInstance, generation: int, deadline_s: int) -> WantedInstance:
    """Return the instance as it is there. Its next password is numbered like its generation."""
    number = read_replica_number(marked.name)
    derived = FIRST_SERVER_ID if number is None else FIRST_REPLICA_ID + number
    volume = marked.volume
    return WantedInstance(
        name=marked.name,
        flavor=marked.server.flavor,
        image=marked.server.image,
        volume=WantedVolume(1) if volume is None else WantedVolume(volume.size_gib, volume.volume_type),
        server_id=derived if marked.facts.server_id is None else marked.facts.server_id,
        is_source=number is None,
        zone=marked.facts.zone or None,
        generation=generation,
        epoch=marked.epoch,
        password_number=1 if number is None else generation,
        deadline_s=deadline_s,
    )


def read_replica_number(name: str) -> int | None:
    """Return the number in a replica's name; None for a source."""
    digits = name.removeprefix(REPLICA_PREFIX)
    return int(digits) if name.startswith(REPLICA_PREFIX) and digits.isdigit() else None


def _take_rules(group: str, rules: Mapping[str, Rule]) -> frozenset[Rule]:
    """Return the rules of a group without that of a donor, which is there while a replica joins."""
    is_database = group == DATABASE_GROUP
    return frozenset(
        rule
        for rule in rules.values()
        if not (is_database and rule.network is None and rule.port_min == DEFAULT_DONOR_PORT)
    )


def _find_settings_problems(marked: MarkedResources, description: WantedCluster | None) -> list[str]:
    """Return why the settings of the databases are unknown: variables, TLS, deadlines, seeding."""
    digests = {each.facts.settings for each in marked.instances} - {""}
    digest = compute_settings_digest({} if description is None else description.settings)
    if digests and digests != {digest}:
        if description is not None:
            return ["the description has other settings than the cluster was created with"]
        return [f"it was created with settings that no mark has: give --description {marked.name}=FILE"]
    if not digests and description is None:
        return [f"no server tells its settings: give --description {marked.name}=FILE, the cluster.yaml"]
    return []


def _list_notes(marked: MarkedResources, inputs: RebuildInputs) -> list[str]:
    notes = [*marked.notes, f"each node proves itself again, in generation {inputs.generation}"]
    if len(marked.instances) > 1:
        notes.append(
            "the replicas get new passwords; the source accepts the present ones until they have moved"
        )
    unknown = {each.facts.key_id for each in marked.instances} - {"", *inputs.keys.keys}
    if unknown:
        notes.append(
            f"created with key {', '.join(sorted(unknown))}, which the key file lacks: unless its passwords were "
            f"rotated since, this is not the key file of the lost store, and the nodes cannot be reached"
        )
    return notes


def _describe_groups(wanted: WantedCluster) -> list[str]:
    return [
        f"group {name}: {', '.join(sorted(rule.key for rule in rules)) or 'no rules'}"
        for name, rules in sorted(wanted.groups.items())
    ]


def _read_default_deadline() -> int:
    """Return the time that a node has without a setting of its cluster."""
    node = {"flavor": "flavor", "image": "image", "network": "network", "source": {}}
    return read_document(node).cluster.condition_timeout
