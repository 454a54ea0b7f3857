"""TLS as it is wanted and seen: of accounts, and of a channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import Condition, ConditionState, DesiredAccount, DesiredState, ObservedState
from guestagent.database import channel_certificates
from guestagent.database.state import ServerState, SourceState, TlsOptions
from guestagent.database.steps import PointChannel
from guestagent.metadata.document import CfnHandle, Document, Role, Section, Tls, User
from guestagent.secret import Secret
from tests.support.agent_states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    build_account,
    build_channel,
    build_desired_replica,
    build_failed_source,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    format_steps,
    judge_state,
    plan_allowed_steps,
)

CA = "-----BEGIN CERTIFICATE-----"
FOLDER = "/var/lib/mysql/"
ON = TlsOptions(is_enabled=True)


def source_with(tls: Tls | None) -> DesiredState:
    section = Section(server_id=7, tls=tls)
    users = (User("slave0000", PASSWORD),)
    return DesiredState.from_document(
        Document(CfnHandle(Secret("http://h")), users, section=section), DIALECT, "10.0.0.7"
    )


def source_server(**demands: Any) -> ServerState:
    return build_server(
        server_id=7, read_only=False, has_marker=True, tls=True, accounts=(build_account(**demands),)
    )


def steps_of(desired: DesiredState, observed: ObservedState, memory: JournalState | None = None) -> list[str]:
    return format_steps(plan_allowed_steps(desired, observed, memory or build_memory(), DIALECT))


def pointed(desired: DesiredState, observed: ObservedState) -> TlsOptions | None:
    steps = plan_allowed_steps(desired, observed, build_memory(), DIALECT)
    return next((step.tls_options for step in steps if isinstance(step, PointChannel)), None)


def condition(desired: DesiredState, observed: ObservedState, name: str) -> Condition:
    found = judge_state(desired, observed, build_memory(), DIALECT).conditions
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

    assert wanted == DesiredAccount(SLAVE, PASSWORD, *demand)


@pytest.mark.parametrize("tls", [None, Tls(), Tls(client_certificates=True)])
def test_an_account_that_demands_the_right_thing_is_left_alone(tls: Tls | None) -> None:
    [wanted] = source_with(tls).accounts
    state = source_server(requires_tls=wanted.requires_tls, requires_certificate=wanted.requires_certificate)

    assert steps_of(source_with(tls), build_observed(state)) == []


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

    [step] = steps_of(source_with(tls), build_observed(state))

    assert step.startswith("have slave0000@% demand")
    assert (
        condition(source_with(tls), build_observed(state), "account slave0000@%").state
        is ConditionState.PENDING
    )


def test_a_source_without_tls_is_refused_where_its_accounts_would_demand_it() -> None:
    bare = replace(source_server(), tls=False)

    assert steps_of(source_with(Tls()), build_observed(bare)) == []
    assert condition(source_with(Tls()), build_observed(bare), "TLS").state is ConditionState.FINAL


def test_a_laxer_account_of_somebody_else_is_a_conflict() -> None:
    state = source_server(is_marked=False)

    assert (
        condition(source_with(Tls()), build_observed(state), "account slave0000@%").state
        is ConditionState.FINAL
    )
    assert (
        condition(source_with(None), build_observed(state), "account slave0000@%").state
        is ConditionState.HELD
    )


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (build_source_state("0-7-5", tls=True), ON),
        (build_source_state("0-7-5", tls=False), TlsOptions()),
        (build_failed_source(2003, "Connection refused"), ON),
    ],
    ids=["offers it", "does not", "not seen yet"],
)
def test_what_no_document_says_is_the_sources_to_offer(source: SourceState, wanted: TlsOptions) -> None:
    assert pointed(build_desired_replica(), build_observed(build_server(), source)) == wanted


@pytest.mark.parametrize("has", [ON, TlsOptions()])
def test_a_channel_stays_as_it_is_while_its_source_cannot_be_seen(has: TlsOptions) -> None:
    right = build_server("0-7-5", server_id=8, channel=build_channel(tls=has))

    assert (
        steps_of(
            build_desired_replica(), build_observed(right, build_failed_source(2003, "Connection refused"))
        )
        == []
    )


def test_a_plain_channel_moves_once_its_source_offers_tls() -> None:
    plain = build_server("0-7-5", server_id=8, channel=build_channel())

    assert (
        pointed(build_desired_replica(), build_observed(plain, build_source_state("0-7-5", tls=True))) == ON
    )


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
        replace(build_desired_replica(), tls=tls),
        build_observed(build_server(data_directory=FOLDER), build_source_state("0-7-5", tls=True)),
    )

    assert found is not None
    assert (found.is_enabled, found.verify, bool(found.ca)) == (
        expected.is_enabled,
        expected.verify,
        bool(expected.ca),
    )
    assert found == channel_certificates.build_tls_options(tls, FOLDER)
    assert not found.ca or found.ca.startswith(f"{FOLDER}guestagent-channel-")


def test_files_are_named_after_what_they_hold() -> None:
    pair = Tls(ca=CA, certificate="c", key=Secret("k"))

    names = channel_certificates.build_tls_options(pair, FOLDER)

    assert channel_certificates.build_tls_options(pair, FOLDER) == names
    assert channel_certificates.build_tls_options(replace(pair, ca="x"), FOLDER).ca != names.ca
    assert channel_certificates.build_tls_options(replace(pair, key=Secret("x")), FOLDER).key != names.key


@pytest.mark.parametrize(
    "drifted",
    [TlsOptions(), ON, TlsOptions(True, "/other.pem", verify=True), TlsOptions(has_other_options=True)],
)
def test_every_option_of_a_channel_counts(drifted: TlsOptions) -> None:
    wanted = replace(build_desired_replica(), tls=Tls(ca=CA))
    state = build_server("0-7-5", server_id=8, data_directory=FOLDER, channel=build_channel(tls=drifted))
    observed = build_observed(state, build_source_state("0-7-5", tls=True))

    assert pointed(wanted, observed) == channel_certificates.build_tls_options(Tls(ca=CA), FOLDER)
    assert condition(wanted, observed, "channel").state is ConditionState.PENDING


def test_nobody_leaves_a_running_channel_for_a_way_that_is_refused() -> None:
    state = build_server(server_id=8, channel=build_channel())

    assert (
        steps_of(
            build_desired_replica(),
            build_observed(state, build_failed_source(1045, "Access denied")),
            build_memory("old"),
        )
        == []
    )


def test_a_certificate_that_ends_soon_is_spoken_of_and_no_fault() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel(tls=ON))

    soon = condition(
        build_desired_replica(),
        build_observed(state, build_source_state("0-7-5", tls=True, certificate_days=6)),
        "source",
    )
    far = condition(
        build_desired_replica(),
        build_observed(state, build_source_state("0-7-5", tls=True, certificate_days=60)),
        "source",
    )

    assert (soon.state, far.state) == (ConditionState.HELD, ConditionState.HELD)
    assert "expires in 6 days" in soon.actual
    assert "expires" not in far.actual


def test_a_replicas_document_is_followed_with_its_tls() -> None:
    section = Section(server_id=8, tls=Tls(ca=CA))
    source = build_desired_replica().source
    document = Document(CfnHandle(Secret("http://h")), source=source, section=section)

    desired = DesiredState.from_document(document, DIALECT, "10.0.0.8")

    assert (desired.role, desired.tls) == (Role.REPLICA, Tls(ca=CA))
