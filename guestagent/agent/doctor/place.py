"""The way to an address, step by step: does the name resolve, does a port answer."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.metadata.host_port import show_host_port


def way(topic: Topic, host: str, port: int, probes: Probes, do: str) -> Iterator[Finding]:
    """Findings on the way to `host`; the last one is not OK where it ends early. `do`: where a port is silent."""
    try:
        addresses = probes.resolved(host)
    except OSError as error:
        seen = f"{host} does not resolve: {error.strerror or error}"
        yield topic.fail("name", seen, "check the DNS of this node, or use an address")
        return
    if addresses != (host,):
        yield topic.ok("name", f"{host} is {', '.join(addresses)}")
    try:
        probes.connected(host, port)
    except OSError as error:
        yield topic.fail("TCP", f"{show_host_port(host, port)}: {error.strerror or error}", do)
        return
    yield topic.ok("TCP", f"{show_host_port(host, port)} answers")
