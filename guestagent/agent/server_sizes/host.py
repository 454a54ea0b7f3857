"""The memory, processors and disk of this machine, from psutil."""

from __future__ import annotations

import psutil

from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.byte_units import GIB, MIB


def measure_host(data_directory: str, memory_mb: int | None = None) -> HostResources:
    """Measure this machine. `memory_mb`: the memory of the database, if that is only a part of the machine's."""
    memory = psutil.virtual_memory().total if memory_mb is None else memory_mb * MIB
    try:
        disk = psutil.disk_usage(data_directory).total
    except OSError:
        disk = 10 * GIB  # this user may not look at it: assume that it is small
    return HostResources(memory=memory, disk=disk)
