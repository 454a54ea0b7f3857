"""How a replica that joins a cluster of NATIVES gets its source's data: as under Heat, without Heat's clocks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guestagent.byte_units import GIB
from guestagent.controller.seed import (
    MIN_ALLOWANCE_S,
    NodeSeed,
    SeedSettings,
    SourceSize,
    choose_seed_deadline,
    compute_needed_seconds,
)
from guestagent.controller.seed_preparation import read_source_size
from guestagent.metadata.limits import CONDITION_TIMEOUT_LIMIT_S, SEEDING_DEADLINE_LIMIT_S
from guestagent.resources.wanted import WantedCluster, WantedInstance


def begin_seed(wanted: WantedCluster, replica: WantedInstance) -> WantedInstance:
    """Return the replica with a seed in its present generation, unless the cluster's replicas only replay logs.

    Those that follow the source of another cluster do: that one is no donor for them.
    Its time follows from the source's size, which is looked up before the replica's server is created.
    """
    seeding = wanted.settings.get("seeding")
    only_replays = isinstance(seeding, Mapping) and seeding.get("method") == "replay"
    if only_replays or wanted.followed is not None:
        return replica
    return replace(replica, seed=NodeSeed(MIN_ALLOWANCE_S, replica.generation))


def measure_source(source: WantedInstance, evidence: object) -> SourceSize:
    """Return the size of the source by what it has last signalled. Its disk is as large as its volume is to be."""
    size = read_source_size(evidence)
    if size.disk_bytes is None:
        return size
    return replace(size, disk_bytes=max(size.disk_bytes, source.volume.size_gib * GIB))


def plan_seed_time(seed: NodeSeed, settings: SeedSettings, size: SourceSize) -> NodeSeed:
    """Return the seed with the time for data of this size. Without Heat, nothing limits what the data need."""
    deadline = choose_seed_deadline(settings, size, CONDITION_TIMEOUT_LIMIT_S)
    deadline = min(max(deadline, compute_needed_seconds(settings, size)), SEEDING_DEADLINE_LIMIT_S)
    return replace(seed, deadline=deadline, data_bytes=size.data_bytes, log_bytes=size.log_bytes)
