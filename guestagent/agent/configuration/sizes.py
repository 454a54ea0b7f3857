"""How large things may be on a machine: conservative, for a database server that is not alone there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20
GIB = 2**30
OTHERS = 256 * MIB  # the system, os-collect-config, the agent's 60 MiB, and the server's own fixed part
LEAST_POOL = 32 * MIB
LEAST_REDO, MOST_REDO = 16 * MIB, 8 * GIB
FEWEST, MOST = 100, 4000
PER_GIB = 75


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory`, and `disk` (the file system of the data directory, used or not), in bytes."""

    memory: int
    cpus: int
    disk: int


def pool(machine: Machine) -> int:
    """The buffer pool: half of the first 4 GiB, two thirds up to 32, then four fifths; it never shrinks with memory.

    What is left holds the connections (a few MiB each at work) and the system's cache for binary and relay logs.
    """
    free = max(0, machine.memory - OTHERS)
    share = (
        min(free, 4 * GIB) // 2
        + max(0, min(free, 32 * GIB) - 4 * GIB) * 2 // 3
        + max(0, free - 32 * GIB) * 4 // 5
    )
    step = 128 * MIB if share >= GIB else 16 * MIB
    return max(LEAST_POOL, share // step * step)


def redo(machine: Machine) -> int:
    """The redo log: a quarter of the pool, but never more than a twentieth of the disk."""
    wanted = min(max(LEAST_REDO, pool(machine) // 4), MOST_REDO, machine.disk // 20)
    return max(LEAST_REDO, wanted // (4 * MIB) * (4 * MIB))


def connections(machine: Machine) -> int:
    """75 for each GiB, in 100 to 4000."""
    return min(MOST, max(FEWEST, machine.memory * PER_GIB // GIB))


def megabytes(size: int) -> int:
    """In MiB, for people."""
    return size // MIB
