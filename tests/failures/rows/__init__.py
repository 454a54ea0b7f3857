"""The rows of the failure table, in the order of its areas."""

from __future__ import annotations

from tests.failures.row import FailureRow
from tests.failures.rows import (
    account_limits,
    applying,
    backups,
    connecting,
    damaged_files,
    disks,
    encryption,
    history,
    identity,
    input,
    interruptions,
    metadata_updates,
    named_channels,
    refusals,
    restored_sources,
    seed_interruptions,
    seed_programs,
    seed_refusals,
    seed_servers,
    skipping,
    unlogged_data,
)

AREAS = (
    connecting.area,
    encryption.area,
    identity.area,
    history.area,
    unlogged_data.area,
    restored_sources.area,
    input.area,
    applying.area,
    skipping.area,
    named_channels.area,
    refusals.area,
    interruptions.area,
    backups.area,
    account_limits.area,
    disks.area,
    damaged_files.area,
    metadata_updates.area,
    seed_refusals.area,
    seed_servers.area,
    seed_programs.area,
    seed_interruptions.area,
)
ROWS: tuple[FailureRow, ...] = tuple(row for area in AREAS for row in area.rows)
"""Every row of the failure table."""
