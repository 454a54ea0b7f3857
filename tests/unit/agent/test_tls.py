"""TLS as it is wanted and seen: of accounts, and of a channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.journal_memory import Memory
from guestagent.agent.model import Agreement, Condition, Desired, Observed, WantedAccount
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.database import material
from guestagent.database.state import ServerState, SourceState, TlsOptions
from guestagent.database.steps import PointChannel
from guestagent.metadata.document import CfnHandle, Document, Role, Section, Tls, User
from guestagent.secret import Secret
from tests.unit.agent.states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    account,
    channel,
    knowing,
    replica_wanted,
    said,
    seen,
    server,
    source_seen,
    unseen,
)

CA = "-----BEGIN CERTIFICATE-----"
FOLDER = "/var/lib/mysql/"
ON = TlsOptions(on=True)


def source_with(tls: Tls | None) -> Desired:
    section = Section(server_id=7, tls=tls)
    users = (User("slave0000", PASSWORD),)
    return Desired.of(Document(CfnHandle(Secret("http://h")), users, section=section), DIALECT, "10.0.0.7")


def source_server(**demands: Any) -> ServerState:
    return server(server_id=7, read_only=False, marker=True, tls=True, accounts=(account(**demands),))


def steps_of(desired: Desired, observed: Observed, memory: Memory | None = None) -> list[str]:
    return said(plan(desired, observed, memory or knowing(), DIALECT))


def pointed(desired: Desired, observed: Observed) -> TlsOptions | None:
    steps = plan(desired, observed, knowing(), DIALECT)
    return next((step.options for step in steps if isinstance(step, PointChannel)), None)


def condition(desired: Desired, observed: Observed, name: str) -> Condition:
    found = readiness(desired, observed, knowing(), DIALECT).conditions
    return next(each for each in found if each.name == name)


@pytest.mark.parametrize(
    ("tls", "demand"),
    [
        (None, (False, False)),
        (Tls(required=False), (False, False)),
        (Tls(), (True, False)),
        (Tls(ca=CA), (True, False)),
        (Tls(client_certificates=True), (True, True)),
    ],
)
def test_an_account_demands_what_its_document_says(tls: Tls | None, demand: tuple[bool, bool]) -> None:
    [wanted] = source_with(tls).accounts

    assert wanted == WantedAccount(SLAVE, PASSWORD, *demand)


@pytest.mark.parametrize("tls", [None, Tls(), Tls(client_certificates=True)])
def test_an_account_that_demands_the_right_thing_is_left_alone(tls: Tls | None) -> None:
    [wanted] = source_with(tls).accounts
    state = source_server(requires_tls=wanted.tls, requires_certificate=wanted.certificate)

    assert steps_of(source_with(tls), seen(state)) == []


@pytest.mark.parametrize(
    ("tls", "demands"),
    [
        (None, {"requires_tls": True}),
        (Tls(), {}),
        (Tls(), {"requires_tls": True, "requires_certificate": True}),
        (Tls(client_certificates=True), {"requires_tls": True}),
    ],
)
def test_an_account_that_demands_something_else_is_altered(tls: Tls | None, demands: dict[str, bool]) -> None:
    state = source_server(**demands)

    [step] = steps_of(source_with(tls), seen(state))

    assert step.startswith("have slave0000@% demand")
    assert condition(source_with(tls), seen(state), "account slave0000@%").agreement is Agreement.PENDING


def test_a_source_without_tls_is_refused_where_its_accounts_would_demand_it() -> None:
    bare = replace(source_server(), tls=False)

    assert steps_of(source_with(Tls()), seen(bare)) == []
    assert condition(source_with(Tls()), seen(bare), "TLS").agreement is Agreement.FINAL


def test_a_laxer_account_of_somebody_else_is_a_conflict() -> None:
    state = source_server(marked=False)

    assert condition(source_with(Tls()), seen(state), "account slave0000@%").agreement is Agreement.FINAL
    assert condition(source_with(None), seen(state), "account slave0000@%").agreement is Agreement.HELD


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (source_seen("0-7-5", tls=True), ON),
        (source_seen("0-7-5", tls=False), TlsOptions()),
        (unseen(2003, "Connection refused"), ON),
    ],
    ids=["offers it", "does not", "not seen yet"],
)
def test_what_no_document_says_is_the_sources_to_offer(source: SourceState, wanted: TlsOptions) -> None:
    assert pointed(replica_wanted(), seen(server(), source)) == wanted


@pytest.mark.parametrize("has", [ON, TlsOptions()])
def test_a_channel_stays_as_it_is_while_its_source_cannot_be_seen(has: TlsOptions) -> None:
    right = server("0-7-5", server_id=8, channel=channel(tls=has))

    assert steps_of(replica_wanted(), seen(right, unseen(2003, "Connection refused"))) == []


def test_a_plain_channel_moves_once_its_source_offers_tls() -> None:
    plain = server("0-7-5", server_id=8, channel=channel())

    assert pointed(replica_wanted(), seen(plain, source_seen("0-7-5", tls=True))) == ON


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (Tls(required=False), TlsOptions()),
        (Tls(), ON),
        (Tls(ca=CA), TlsOptions(True, "some", verify=True)),
        (Tls(ca=CA, verify=False), TlsOptions(True, "some")),
    ],
)
def test_a_document_rules_the_channel(tls: Tls, expected: TlsOptions) -> None:
    found = pointed(
        replace(replica_wanted(), tls=tls), seen(server(folder=FOLDER), source_seen("0-7-5", tls=True))
    )

    assert found is not None
    assert (found.on, found.verify, bool(found.ca)) == (expected.on, expected.verify, bool(expected.ca))
    assert found == material.options(tls, FOLDER)
    assert not found.ca or found.ca.startswith(f"{FOLDER}guestagent-channel-")


def test_files_are_named_after_what_they_hold() -> None:
    pair = Tls(ca=CA, certificate="c", key=Secret("k"))

    names = material.options(pair, FOLDER)

    assert material.options(pair, FOLDER) == names
    assert material.options(replace(pair, ca="x"), FOLDER).ca != names.ca
    assert material.options(replace(pair, key=Secret("x")), FOLDER).key != names.key


@pytest.mark.parametrize(
    "drifted", [TlsOptions(), ON, TlsOptions(True, "/other.pem", verify=True), TlsOptions(others=True)]
)
def test_every_option_of_a_channel_counts(drifted: TlsOptions) -> None:
    wanted = replace(replica_wanted(), tls=Tls(ca=CA))
    state = server("0-7-5", server_id=8, folder=FOLDER, channel=channel(tls=drifted))
    observed = seen(state, source_seen("0-7-5", tls=True))

    assert pointed(wanted, observed) == material.options(Tls(ca=CA), FOLDER)
    assert condition(wanted, observed, "channel").agreement is Agreement.PENDING


def test_nobody_leaves_a_running_channel_for_a_way_that_is_refused() -> None:
    state = server(server_id=8, channel=channel())

    assert steps_of(replica_wanted(), seen(state, unseen(1045, "Access denied")), knowing("old")) == []


def test_a_certificate_that_ends_soon_is_spoken_of_and_no_fault() -> None:
    state = server("0-7-5", server_id=8, channel=channel(tls=ON))

    soon = condition(replica_wanted(), seen(state, source_seen("0-7-5", tls=True, certificate_days=6)), "source")
    far = condition(replica_wanted(), seen(state, source_seen("0-7-5", tls=True, certificate_days=60)), "source")

    assert (soon.agreement, far.agreement) == (Agreement.HELD, Agreement.HELD)
    assert "expires in 6 days" in soon.seen
    assert "expires" not in far.seen


def test_a_replicas_document_is_followed_with_its_tls() -> None:
    section = Section(server_id=8, tls=Tls(ca=CA))
    source = replica_wanted().source
    document = Document(CfnHandle(Secret("http://h")), source=source, section=section)

    desired = Desired.of(document, DIALECT, "10.0.0.8")

    assert (desired.role, desired.tls) == (Role.REPLICA, Tls(ca=CA))
