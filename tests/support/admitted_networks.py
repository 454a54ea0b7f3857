"""What the ports of an embedded Neutron admit to the database, read while a cluster changes its networks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from guestagent.embedded.openstack.neutron.network import NeutronNetwork

MEMBERS = "members"
PROBE_INTERVAL_S = 0.005


def list_admitted(networking: NeutronNetwork) -> set[str]:
    """List what all ports admit to the database: networks, and the members of a group that all of them have."""
    ports = [port for port in list(networking.ports.values()) if port.server_id]
    if not ports:
        return set()
    admitted: list[set[str]] = []
    for port in ports:
        rules = [
            rule.attributes for group in list(port.groups) for rule in list(networking.groups[group].rules)
        ]
        incoming = [rule for rule in rules if rule["direction"] == "ingress"]
        networks = {str(rule["remote_ip_prefix"]) for rule in incoming if rule.get("remote_ip_prefix")}
        groups = {rule.get("remote_group_id") for rule in incoming} & set(port.groups)
        shared = {group for group in groups if all(group in each.groups for each in ports)}
        admitted.append(networks | ({MEMBERS} if shared else set()))
    return set.intersection(*admitted)


@contextmanager
def probe_all_the_time(read: Callable[[], set[str]]) -> Iterator[list[set[str]]]:
    """Read all the time, and yield what was read."""
    readings: list[set[str]] = []
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(PROBE_INTERVAL_S):
            readings.append(read())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield readings
    finally:
        is_over.set()
        thread.join()
