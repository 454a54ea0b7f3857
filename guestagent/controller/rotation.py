"""The two updates of a password rotation, and how an interrupted one is completed.

In the first update the source retains the old passwords while the replicas move to the new ones. The second discards
the old ones. The stack's template shows which of them is next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guestagent.controller.cluster import Cluster
from guestagent.controller.heat_api import Stack
from guestagent.controller.stack_reader import StackReader

UpdateStack = Callable[[Callable[[Cluster], Cluster]], Stack]
"""Changes the cluster, and waits until the stack's update has completed."""


def rotate_passwords(name: str, nodes: Sequence[str], reader: StackReader, update: UpdateStack) -> Stack:
    """Give these replicas new passwords (none named: all of them).

    An interrupted rotation is ended first, so that no password from before this call is valid after it.
    """
    if reader.read_cluster(reader.get_idle_stack(name)).rotating:
        _end_rotation(name, reader, update)
    update(lambda cluster: cluster.rotate(*nodes))
    return _end_rotation(name, reader, update)


def _end_rotation(name: str, reader: StackReader, update: UpdateStack) -> Stack:
    if reader.get_idle_stack(name).failed:
        # A replica may still use the password that would be discarded, so the failed nodes prove themselves first.
        update(lambda cluster: cluster)
    return update(Cluster.end_rotation)
