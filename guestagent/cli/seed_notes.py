"""The option --data-size, and what a person is told about a seed: size, expected time, and how the node signals."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from guestagent.byte_units import GIB
from guestagent.cli.argument_types import build_integer_type
from guestagent.metadata.limits import SIZE_LIMIT_BYTES

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Node
    from guestagent.controller.seed import SourceSize

DATA_SIZE_LIMIT_GIB = SIZE_LIMIT_BYTES // GIB


def add_data_size_option(parser: argparse.ArgumentParser) -> None:
    """Add --data-size."""
    help_text = "the size of the source's data (default: what the source signalled when it last became ready)"
    parser.add_argument(
        "--data-size", type=build_integer_type(1, DATA_SIZE_LIMIT_GIB, "GiB"), metavar="GIB", help=help_text
    )


def build_size(data_gib: int | None) -> SourceSize:
    """Build the size of a source from an option; None: the source's own last signal tells it."""
    from guestagent.controller.seed import UNKNOWN_SIZE, SourceSize

    return UNKNOWN_SIZE if data_gib is None else SourceSize(data_gib * GIB)


def report_seeds(cluster: Cluster | None) -> None:
    """Report on stderr what is expected of each replica that joins."""
    if cluster is not None:
        sys.stderr.writelines(f"{format_seed(cluster, node)}\n" for node in cluster.joining_replicas)


def format_seed(cluster: Cluster, node: Node) -> str:
    """Format the seed of a replica that joins."""
    from guestagent.controller.seed import estimate_node_seconds
    from guestagent.controller.template import has_expiring_url

    assert node.seed is not None
    expected_s = estimate_node_seconds(cluster.seeding, node.seed)
    allowed = f"{format_minutes(node.seed.deadline)} are allowed"
    if expected_s is None or node.seed.data_bytes is None:
        line = f"{node.name}: the size of the source's data is unknown; {allowed} (--data-size sets more)"
    else:
        size = f"{node.seed.data_bytes / GIB:.1f} GiB of data"
        line = f"{node.name}: {size}, about {format_minutes(expected_s)} expected, {allowed}"
    if has_expiring_url(cluster, node):
        line += f"; it signals with HEAT_SIGNAL, because a signed URL expires after {cluster.auth_ttl} s"
    return line


def format_minutes(seconds: float) -> str:
    """Format a time in minutes, at least one."""
    return f"{max(1, round(seconds / 60))} min"
