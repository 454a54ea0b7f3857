"""Checks of a cluster's seeding and of its account for verification. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from guestagent.controller.external_source import ExternalSource
from guestagent.controller.node import Node
from guestagent.controller.seed import SeedSettings
from guestagent.metadata.limits import (
    CONDITION_TIMEOUT_LIMIT_S,
    RATE_LIMIT_LIMIT_MIB,
    SEEDING_DEADLINE_LIMIT_S,
    SIZE_LIMIT_BYTES,
)
from guestagent.metadata.seeding_shape import METHODS
from guestagent.metadata.user_shapes import AccountNameShape
from guestagent.validation import Problems


def check_seeding(
    problems: Problems, settings: SeedSettings, source: Node | ExternalSource, replicas: Sequence[Node]
) -> None:
    """Check the settings, and the seed of each replica. Whether Heat's clocks allow it is for its template."""
    cursor = problems.open_cursor(settings, "seeding")
    if settings.method not in METHODS:
        cursor.get_child("method", settings.method).add_problem(
            f"one of {', '.join(METHODS)}", repr(settings.method)
        )
    if settings.rate_limit is not None:
        cursor.get_child("rate_limit", settings.rate_limit).read_integer(1, RATE_LIMIT_LIMIT_MIB)
    if settings.deadline is not None:
        cursor.get_child("deadline", settings.deadline).read_integer(1, CONDITION_TIMEOUT_LIMIT_S)
    if isinstance(source, Node) and source.seed is not None:
        problems.add("source.seed", "none: a source has all data", "one")
    for index, node in enumerate(replicas):
        if node.seed is None:
            continue
        if isinstance(source, ExternalSource):
            problems.add(f"replicas[{index}].seed", "none: an external source is no donor", "one")
        seed = problems.open_cursor(node.seed, f"replicas[{index}].seed")
        seed.get_child("deadline", node.seed.deadline).read_integer(1, SEEDING_DEADLINE_LIMIT_S)
        for key, size in (("data_bytes", node.seed.data_bytes), ("log_bytes", node.seed.log_bytes)):
            if size is not None:
                seed.get_child(key, size).read_integer(0, SIZE_LIMIT_BYTES)


def check_verification(
    problems: Problems, name: str | None, replicas: Sequence[Node], other_accounts: Collection[str]
) -> None:
    """Check that the account's name is valid, and that no other account of the cluster has it."""
    if name is None:
        return
    cursor = problems.open_cursor(name, "verification")
    if AccountNameShape().read(cursor) is None:
        return
    if name in other_accounts or any(name.lower() in (node.account, node.donor_account) for node in replicas):
        cursor.add_problem("a name that no other account of the cluster has", repr(name))
