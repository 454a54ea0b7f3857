"""The desired state of a document: accounts and the server id."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import pytest

from guestagent.agent.model import DesiredState
from guestagent.agent.server_id import derive_server_id
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.state import Account
from guestagent.metadata.document import CfnHandle, Document, Section, UnresolvedFunction, User
from guestagent.secret import Secret
from tests.support.agent_states import DIALECT, PASSWORD, build_observed, build_server
from tests.support.planned_steps import plan_steps


def test_the_network_of_the_document_limits_the_hosts_of_accounts() -> None:
    section = Section(server_id=7, network=IPv4Network("10.0.0.0/24"))
    document = Document(
        CfnHandle(Secret("http://handle")), users=(User("slave0000", PASSWORD),), section=section
    )

    desired = DesiredState.from_document(document, DIALECT, "10.0.0.7")

    assert desired.accounts[0].account == Account("slave0000", "10.0.0.0/24")


@pytest.mark.parametrize(("address", "expected"), [("10.0.0.7", 0x0A000007), ("2001:db8::5", 0x91AD174A)])
def test_a_server_id_is_derived_from_the_address(address: str, expected: int) -> None:
    desired = DesiredState.from_document(Document(CfnHandle(Secret("http://handle"))), DIALECT, address)

    assert (desired.server_id, desired.is_server_id_derived) == (expected, True)


def test_addresses_that_end_alike_in_two_subnets_give_two_ids() -> None:
    ids = {derive_server_id(f"2001:db8:0:{subnet:x}::5") for subnet in range(100)}

    assert len(ids) == 100


def test_an_ipv6_network_may_need_two_accounts_for_a_user() -> None:
    section = Section(server_id=7, network=IPv6Network("2001:db8::/64"))
    user = User("slave0000", PASSWORD)

    desired = DesiredState.from_document(
        Document(CfnHandle(Secret("http://h")), (user,), section=section), MariadbDialect(), "fd00::7"
    )

    assert [str(each.account) for each in desired.accounts] == [
        "slave0000@2001:db8:0:0:%",
        "slave0000@2001:db8::%",
    ]


def test_a_dry_run_without_an_address_names_the_origin_of_the_server_id() -> None:
    desired = DesiredState.from_document(Document(UnresolvedFunction("Handle", "{}")), DIALECT, None)

    step = plan_steps(desired, build_observed(build_server()))[0]

    assert str(step) == "set the server id to <this node's address>"
