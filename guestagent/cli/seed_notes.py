"""The option --data-size, and what a person is told about a seed: size, expected time, and how the node signals."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from guestagent.agent.timestamp import format_age
from guestagent.byte_units import GIB
from guestagent.cli.argument_types import build_integer_type
from guestagent.metadata.limits import SIZE_LIMIT_BYTES

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Node, Work
    from guestagent.controller.seed import SourceSize

LONG_TIME_S = 7200
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


def report_seeds(work: Work) -> None:
    """Report on stderr what is expected of each replica that joins."""
    if work.cluster is not None:
        for node in work.cluster.joining_replicas:
            sys.stderr.write(f"{format_seed(work.cluster, node, work.source_size)}\n")


def format_seed(cluster: Cluster, node: Node, measured: SourceSize | None = None) -> str:
    """Format the seed of a replica that joins. `measured` is the size that the source has signalled, if it counts."""
    from guestagent.controller.seed import estimate_node_seconds
    from guestagent.controller.template import has_expiring_url

    assert node.seed is not None
    expected_s = estimate_node_seconds(cluster.seeding, node.seed)
    allowed = f"{format_minutes(node.seed.deadline)} are allowed"
    if measured is not None and measured.disk_bytes is not None:
        allowed += f" because the disk could hold {measured.disk_bytes / GIB:.0f} GiB"
    if expected_s is None or node.seed.data_bytes is None:
        line = f"{node.name}: the size of the source's data is unknown; {allowed} (--data-size names it)"
    else:
        size = f"{node.seed.data_bytes / GIB:.1f} GiB of data{_format_age(measured)}"
        line = f"{node.name}: {size}, about {format_minutes(expected_s)} expected, {allowed}"
    if has_expiring_url(cluster, node):
        line += f"; it signals with HEAT_SIGNAL, because a signed URL expires after {cluster.auth_ttl} s"
    return line


def _format_age(measured: SourceSize | None) -> str:
    """Format how long ago the source's agent measured its data; "" if a person has named the size."""
    if measured is None:
        return ""
    if not measured.measured_at:
        return " (measured at an unknown time)"
    age = (datetime.now(timezone.utc) - datetime.fromisoformat(measured.measured_at)).total_seconds()
    return f" (measured {format_age(age if age >= 0 else None)})"


def format_minutes(seconds: float) -> str:
    """Format a time in minutes, at least one; a long one in hours."""
    if seconds >= LONG_TIME_S:
        return f"{seconds / 3600:.1f} h"
    return f"{max(1, round(seconds / 60))} min"
