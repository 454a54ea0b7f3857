"""Sizes for a machine: conservative, because the database server is not alone there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.byte_units import GIB, MIB

RESERVED_MEMORY = (
    256 * MIB
)  # the system, os-collect-config, the agent's 60 MiB, and the server's own fixed part
POOL_MINIMUM = 32 * MIB
REDO_MINIMUM, REDO_LIMIT = 16 * MIB, 8 * GIB
CONNECTIONS_MINIMUM, CONNECTIONS_LIMIT = 100, 4000
CONNECTIONS_PER_GIB = 75


@dataclass(frozen=True, slots=True)
class HostResources:
    """The resources of a host. `memory`, and `disk` (the file system of the data directory, used or not), in bytes."""

    memory: int
    disk: int


def compute_buffer_pool(host: HostResources) -> int:
    """Compute the buffer pool: half of the first 4 GiB, two thirds up to 32, then four fifths.

    More memory never gives a smaller pool. The rest is for the connections (a few MiB for each active one) and for the
    system's cache of binary and relay logs.
    """
    free = max(0, host.memory - RESERVED_MEMORY)
    share = (
        min(free, 4 * GIB) // 2
        + max(0, min(free, 32 * GIB) - 4 * GIB) * 2 // 3
        + max(0, free - 32 * GIB) * 4 // 5
    )
    step = 128 * MIB if share >= GIB else 16 * MIB
    return max(POOL_MINIMUM, share // step * step)


def compute_redo_log(host: HostResources) -> int:
    """Compute the redo log: a quarter of the pool, but never more than a twentieth of the disk."""
    size = min(max(REDO_MINIMUM, compute_buffer_pool(host) // 4), REDO_LIMIT, host.disk // 20)
    return max(REDO_MINIMUM, size // (4 * MIB) * (4 * MIB))


def compute_max_connections(host: HostResources) -> int:
    """Compute the number of connections: 75 for each GiB, at least 100 and at most 4000."""
    return min(CONNECTIONS_LIMIT, max(CONNECTIONS_MINIMUM, host.memory * CONNECTIONS_PER_GIB // GIB))


def convert_to_mib(size: int) -> int:
    """Convert bytes to MiB, for people."""
    return size // MIB
