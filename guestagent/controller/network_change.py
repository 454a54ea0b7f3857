"""The updates that give a cluster other client networks, and how an interrupted change is completed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guestagent.controller.client_networks import approach_client_networks
from guestagent.controller.cluster import Cluster
from guestagent.controller.heat_api import Stack
from guestagent.controller.rotation import UpdateStack
from guestagent.controller.stack_reader import StackReader

ChooseNetworks = Callable[[Cluster], Sequence[str]]
"""Returns the client networks that a cluster should have."""


def change_client_networks(
    name: str, choose_networks: ChooseNetworks, reader: StackReader, update: UpdateStack
) -> Stack:
    """Give the cluster these client networks, in as many updates as it takes. Return the stack after the last one.

    A stack whose update has failed is brought to its own template first: a rule that it says may not be in force yet,
    so nothing else may go.
    """
    stack = reader.get_idle_stack(name)
    cluster = reader.read_cluster(stack)
    networks = choose_networks(cluster)
    approach_client_networks(cluster, networks)
    if stack.failed:
        stack = update(lambda cluster: cluster)
    while (cluster := reader.read_cluster(stack)) is not approach_client_networks(cluster, networks):
        stack = update(lambda cluster: approach_client_networks(cluster, networks))
    return stack
