"""How large this machine is, as psutil sees it."""

from __future__ import annotations

import psutil

from guestagent.agent.server_config.sizing import GIB, MIB, HostResources


def measure_host(data: str, memory_mb: int | None = None) -> HostResources:
    """`data`: the data directory. `memory_mb`: in place of all of the machine's, where the database has only a part."""
    memory = psutil.virtual_memory().total if memory_mb is None else memory_mb * MIB
    try:
        disk = psutil.disk_usage(data).total
    except OSError:
        disk = 10 * GIB  # one that we may not look at: as if it were small
    return HostResources(memory=memory, cpus=psutil.cpu_count() or 1, disk=disk)
