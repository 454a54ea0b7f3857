"""How large things may be on a machine: conservative, for a database server that is not alone there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20
GIB = 2**30
RESERVED_MEMORY = (
    256 * MIB
)  # the system, os-collect-config, the agent's 60 MiB, and the server's own fixed part
POOL_MINIMUM = 32 * MIB
REDO_MINIMUM, REDO_LIMIT = 16 * MIB, 8 * GIB
CONNECTIONS_MINIMUM, CONNECTIONS_LIMIT = 100, 4000
CONNECTIONS_PER_GIB = 75


@dataclass(frozen=True, slots=True)
class HostResources:
    """`memory`, and `disk` (the file system of the data directory, used or not), in bytes."""

    memory: int
    cpus: int
    disk: int


def compute_buffer_pool(machine: HostResources) -> int:
    """The buffer pool: half of the first 4 GiB, two thirds up to 32, then four fifths; it never shrinks with memory.

    What is left holds the connections (a few MiB each at work) and the system's cache for binary and relay logs.
    """
    free = max(0, machine.memory - RESERVED_MEMORY)
    share = (
        min(free, 4 * GIB) // 2
        + max(0, min(free, 32 * GIB) - 4 * GIB) * 2 // 3
        + max(0, free - 32 * GIB) * 4 // 5
    )
    step = 128 * MIB if share >= GIB else 16 * MIB
    return max(POOL_MINIMUM, share // step * step)


def compute_redo_log(machine: HostResources) -> int:
    """The redo log: a quarter of the pool, but never more than a twentieth of the disk."""
    wanted = min(max(REDO_MINIMUM, compute_buffer_pool(machine) // 4), REDO_LIMIT, machine.disk // 20)
    return max(REDO_MINIMUM, wanted // (4 * MIB) * (4 * MIB))


def compute_max_connections(machine: HostResources) -> int:
    """75 for each GiB, in 100 to 4000."""
    return min(CONNECTIONS_LIMIT, max(CONNECTIONS_MINIMUM, machine.memory * CONNECTIONS_PER_GIB // GIB))


def convert_to_mib(size: int) -> int:
    """In MiB, for people."""
    return size // MIB
