"""A source and a replica on an IPv6-only network, with real servers of both families."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent.server_id import derive_server_id
from guestagent.database.state import ServerState
from guestagent.embedded.database_servers import Flavour
from tests.failures.server_pair import Node
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.ipv6_link import NETWORK, REPLICA, SOURCE, UNUSED_ADDRESS, open_ipv6_link

HANDLE = f"http://[{UNUSED_ADDRESS}]:8000/v1/waitcondition"
USER = {"name": "slave0000", "password": "correct horse battery"}


@pytest.fixture
def nodes(
    flavour: Flavour,
    data_template: Path,
    tmp_path: Path,
    free_subnet: IPv4Network,
    authority: CertificateAuthority,
) -> Iterator[tuple[Node, Node]]:
    """A source with a certificate for its address, and a replica. They listen as in the elements' option files."""
    certificate = authority.sign("ipv6", f"IP:{SOURCE}").options
    with open_ipv6_link(free_subnet) as (source_end, replica_end):
        for name in ("one", "two"):
            (tmp_path / name / "agent").mkdir(parents=True)
        with (
            open_server(
                tmp_path / "one" / "s", data_template, "server-id=1", *certificate,
                flavour=flavour, address="*", namespace=source_end.namespace,
            ) as source,
            open_server(
                tmp_path / "two" / "s", data_template, "server-id=1",
                flavour=flavour, address="*", namespace=replica_end.namespace,
            ) as replica,
        ):  # fmt: skip
            yield Node(source, tmp_path / "one" / "agent"), Node(replica, tmp_path / "two" / "agent")


def test_a_pair_becomes_ready_over_ipv6_alone_and_verifies_the_address(
    nodes: tuple[Node, Node], authority: CertificateAuthority
) -> None:
    source, replica = nodes
    tls = {"CA": authority.text}

    source_answer = source.apply(build_document(Network=str(NETWORK), TLS=tls) | {"Users": [USER]})
    replica_answer = replica.apply(build_document(TLS=tls) | {"Master": build_master_section(source.server)})

    assert source_answer.is_ready, source_answer.answer
    assert replica_answer.is_ready, replica_answer.answer
    accounts = {str(each.account) for each in observe_server(source.server).accounts}
    assert accounts == {"slave0000@fd00:6a:1:0:%", "slave0000@fd00:6a:1::%"}
    assert observe_server(source.server).replica_ids == (derive_server_id(REPLICA),)
    assert observe_server(source.server).server_id == derive_server_id(SOURCE)


def build_document(**section: Any) -> dict[str, Any]:
    return {"ReadyWaitCondition": HANDLE, "GuestAgent": {"Node": "node", "Deadline": 60, **section}}


def build_master_section(server: DatabaseServer) -> dict[str, Any]:
    return {"Address": SOURCE, "Port": server.port, "User": USER}


def observe_server(server: DatabaseServer) -> ServerState:
    with closing(server.open()) as database:
        return database.observe()
