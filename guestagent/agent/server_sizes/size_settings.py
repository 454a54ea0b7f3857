"""The settings of a database server that depend on its machine alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.agent.server_sizes.sizing import (
    HostResources,
    compute_buffer_pool,
    compute_max_connections,
    compute_redo_log,
    convert_to_mib,
)


@dataclass(frozen=True, slots=True)
class SizeSetting:
    """A line of the option file. `is_dynamic`: a running server can change it."""

    name: str
    value: str
    reason: str
    is_dynamic: bool = True


def compute_size_settings(
    resources: HostResources, family: str, version: tuple[int, ...]
) -> Iterator[SizeSetting]:
    """Compute the sizes for a machine and the server on it."""
    memory = f"{convert_to_mib(resources.memory)} MiB of memory"
    reason = f"Pages in memory, of {memory}: what system, connections and agent need is left free."
    yield SizeSetting("innodb_buffer_pool_size", str(compute_buffer_pool(resources)), reason)
    reason = (
        f"Redo log: a quarter of the pages, and little of the {convert_to_mib(resources.disk)} MiB of disk."
    )
    name, is_dynamic = _find_redo_log_variable(family, version)
    yield SizeSetting(name, str(compute_redo_log(resources)), reason, is_dynamic)
    yield SizeSetting(
        "max_connections", str(compute_max_connections(resources)), f"As many as {memory} bear."
    )


def _find_redo_log_variable(family: str, version: tuple[int, ...]) -> tuple[str, bool]:
    """Return the name of the variable, and whether a running server can change it."""
    if family == "mysql":
        has_capacity = version >= (8, 0, 30)
        return ("innodb_redo_log_capacity" if has_capacity else "innodb_log_file_size"), has_capacity
    return "innodb_log_file_size", version >= (10, 9, 0)
