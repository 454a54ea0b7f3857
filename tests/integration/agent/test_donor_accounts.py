"""A source with a joining replica and a verification account, whose agent is killed at any step, on real servers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pymysql
import pytest

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.state import Account
from tests.support.agent_guest import (
    PASSWORD,
    SOURCE_STEPS,
    AgentGuest,
    build_replica_document,
    build_source_document,
)
from tests.support.polling import wait_until
from tests.support.replication import read_account

METHODS = {"mariadb": "dump", "mysql": "auto"}
PURPOSES = {"mariadb": AccountPurpose.DUMP, "mysql": AccountPurpose.CLONE}
STEPS = {
    "mariadb": (*SOURCE_STEPS[:3], "CreateAccount", "CreateAccount", SOURCE_STEPS[3]),
    "mysql": (*SOURCE_STEPS[:3], "CreateAccount", "CreateAccount", SOURCE_STEPS[3], "LoadClonePlugin"),
}
LONG_PASSWORD = "\u00e9" * 17
"""MySQL counts its bytes."""
MAX_STEPS = max(map(len, STEPS.values()))


@pytest.fixture
def source(guests: tuple[AgentGuest, AgentGuest]) -> Iterator[AgentGuest]:
    yield guests[0]
    if guests[0].server.flavour.family == "mysql":
        with suppress(pymysql.OperationalError):  # it was not loaded
            guests[0].server.execute("SET GLOBAL super_read_only = 0", "UNINSTALL PLUGIN clone")


def build_document(guest: AgentGuest, user: str = "seed0000") -> dict[str, Any]:
    replica = {
        "Node": "Slave0000",
        "User": {"name": user, "password": "seed's password"},
        "ReplicationUser": "slave0000",
        "Method": METHODS[guest.server.flavour.family],
    }
    verification = {"name": "verify", "password": "to compare"}
    return build_source_document(Donor={"Replicas": [replica]}, Verification=verification)


def list_names(guest: AgentGuest) -> set[str]:
    rows = guest.server.execute("SELECT User FROM mysql.user WHERE Host = '%'")
    return {str(row["User"]) for row in rows} & {"slave0000", "seed0000", "seed0001", "verify"}


def connect_replica(source: AgentGuest, replica: AgentGuest) -> None:
    """Point the replica, and wait until its channel waits for the source's next event."""
    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"
    with closing(source.server.open()) as database:
        wait_until(lambda: "slave0000" in database.observe().replica_users)


@pytest.mark.every_server
def test_the_accounts_are_exact_and_the_donor_account_goes_with_the_first_channel(
    guests: tuple[AgentGuest, AgentGuest], source: AgentGuest
) -> None:
    _, replica = guests
    report = source.apply(build_document(source))
    during, family = list_names(source), source.server.flavour.family
    database = source.server.open()
    for name, purpose in (("seed0000", PURPOSES[family]), ("verify", AccountPurpose.VERIFICATION)):
        privileges = read_account(database, Account(name, "%")).privileges
        assert privileges == database.dialect.get_privileges(purpose)
    database.close()
    connect_replica(source, replica)

    assert source.apply(build_document(source))["state"] == "ready"

    assert (report["state"], during) == ("ready", {"slave0000", "seed0000", "verify"})
    assert {"donor account seed0000@%", "verification account verify@%"} <= {
        condition["name"] for condition in report["conditions"]
    }
    assert list_names(source) == {"slave0000", "verify"}
    wait_until(lambda: list_names(replica) == {"slave0000", "verify"})


@pytest.mark.every_server
def test_the_account_of_a_seed_that_is_over_does_not_come_again(
    guests: tuple[AgentGuest, AgentGuest], source: AgentGuest
) -> None:
    _, replica = guests
    source.apply(build_document(source))
    connect_replica(source, replica)
    source.apply(build_document(source))
    replica.server.execute(replica.server.statements.stop)
    position = source.server.read_position()

    assert source.apply(build_document(source))["state"] == "ready"
    assert (list_names(source), source.server.read_position()) == ({"slave0000", "verify"}, position)

    assert source.apply(build_document(source, "seed0001"))["state"] == "ready"
    assert list_names(source) == {"slave0000", "seed0001", "verify"}


@pytest.mark.parametrize("boundary", range(2 * len(SOURCE_STEPS) - 2, 2 * MAX_STEPS + 1))
def test_a_source_with_all_accounts_converges_after_its_agent_was_killed_at_a_new_step(
    source: AgentGuest, boundary: int
) -> None:
    document, steps = build_document(source), STEPS[source.server.flavour.family]

    exit_code = source.run_killed_agent(document, boundary)

    assert exit_code == (-signal.SIGKILL if boundary < 2 * len(steps) else 0)
    assert source.apply(document)["state"] == "ready"
    assert list_names(source) == {"slave0000", "seed0000", "verify"}


@pytest.mark.parametrize("boundary", range(2))
def test_a_donor_account_is_gone_after_an_agent_was_killed_at_its_drop(
    guests: tuple[AgentGuest, AgentGuest], source: AgentGuest, boundary: int
) -> None:
    _, replica = guests
    source.apply(build_document(source))
    connect_replica(source, replica)

    assert source.run_killed_agent(build_document(source), boundary) == -signal.SIGKILL

    replica.server.execute(replica.server.statements.stop)
    assert source.apply(build_document(source))["state"] == "ready"
    assert list_names(source) == {"slave0000", "verify"}


def test_a_donor_account_goes_although_the_source_refuses_its_document(
    guests: tuple[AgentGuest, AgentGuest], source: AgentGuest
) -> None:
    if source.server.flavour.family != "mysql":
        pytest.skip("MariaDB accepts a password of so many bytes")
    _, replica = guests
    source.apply(build_document(source))
    connect_replica(source, replica)
    document = build_document(source)
    document["Users"].append({"name": "slave0001", "password": LONG_PASSWORD})

    report = source.apply(document)

    assert (report["state"], report["conditions"][0]["name"]) == ("failed", "password of slave0001")
    assert list_names(source) == {"slave0000", "verify"}
    wait_until(lambda: list_names(replica) == {"slave0000", "verify"})


def test_no_log_and_no_state_file_contains_a_password(
    guests: tuple[AgentGuest, AgentGuest], source: AgentGuest
) -> None:
    _, replica = guests
    source.apply(build_document(source))
    connect_replica(source, replica)
    source.apply(build_document(source))

    for guest in guests:
        state = b"".join(path.read_bytes() for path in (guest.folder / "state").rglob("*") if path.is_file())
        for password in (PASSWORD, "seed's password", "to compare"):
            assert password.encode() not in guest.server.read_all_logs() + state
