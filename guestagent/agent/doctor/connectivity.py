"""The connection to an address, step by step: the name resolves, the port answers."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.metadata.host_port import format_host_port


def check_connectivity(topic: Topic, host: str, port: int, probes: Probes, advice: str) -> Iterator[Finding]:
    """Check the connection to `host`. If it fails early, the last finding is not OK. `advice` is for a silent port."""
    try:
        addresses = probes.resolve_host(host)
    except OSError as error:
        problem = f"{host} does not resolve: {error.strerror or error}"
        yield topic.report_failure("name", problem, "check the DNS of this node, or use an address")
        return
    if addresses != (host,):
        yield topic.report_ok("name", f"{host} is {', '.join(addresses)}")
    try:
        probes.check_port(host, port)
    except OSError as error:
        yield topic.report_failure(
            "TCP", f"{format_host_port(host, port)}: {error.strerror or error}", advice
        )
        return
    yield topic.report_ok("TCP", f"{format_host_port(host, port)} answers")
