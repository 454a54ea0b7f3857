"""Desired and observed TLS of accounts and of a channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState
from guestagent.database import channel_tls
from guestagent.database.state import ServerState, SourceState, TlsOptions
from guestagent.database.steps import PointChannel, SetDemand, Step
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
    judge_state,
    plan_allowed_steps,
)

CA = "-----BEGIN CERTIFICATE-----"
FOLDER = "/var/lib/mysql/"
ON = TlsOptions(is_enabled=True)


def build_source_with_tls(tls: Tls | None) -> DesiredState:
    section = Section(server_id=7, tls=tls)
    users = (User("slave0000", PASSWORD),)
    return DesiredState.from_document(
        Document(CfnHandle(Secret("http://h")), users, section=section), DIALECT, "10.0.0.7"
    )


def build_source_server(**requirements: Any) -> ServerState:
    return build_server(
        server_id=7, read_only=False, has_marker=True, tls=True, accounts=(build_account(**requirements),)
    )


def plan(desired: DesiredState, observed: ObservedState, memory: JournalState | None = None) -> list[Step]:
    return list(plan_allowed_steps(desired, observed, memory or build_memory(), DIALECT))


def find_channel_tls(desired: DesiredState, observed: ObservedState) -> TlsOptions | None:
    steps = plan_allowed_steps(desired, observed, build_memory(), DIALECT)
    return next((step.tls_options for step in steps if isinstance(step, PointChannel)), None)


def find_condition(desired: DesiredState, observed: ObservedState, name: str) -> Condition:
    conditions = judge_state(desired, observed, build_memory(), DIALECT).conditions
    return next(each for each in conditions if each.name == name)


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
def test_an_account_requires_the_encryption_of_its_document(
    tls: Tls | None, demand: tuple[bool, bool]
) -> None:
    [desired] = build_source_with_tls(tls).accounts

    assert desired == DesiredAccount(SLAVE, PASSWORD, *demand)


@pytest.mark.parametrize("tls", [None, Tls(), Tls(client_certificates=True)])
def test_an_account_with_the_desired_requirement_is_not_changed(tls: Tls | None) -> None:
    [desired] = build_source_with_tls(tls).accounts
    state = build_source_server(
        requires_tls=desired.requires_tls, requires_certificate=desired.requires_certificate
    )

    assert plan(build_source_with_tls(tls), build_observed(state)) == []


@pytest.mark.parametrize(
    ("tls", "requirements"),
    [
        (None, {"requires_tls": True}),
        (Tls(), {}),
        (Tls(), {"requires_tls": True, "requires_certificate": True}),
        (Tls(client_certificates=True), {"requires_tls": True}),
    ],
)
def test_an_account_with_another_requirement_is_altered(
    tls: Tls | None, requirements: dict[str, bool]
) -> None:
    state = build_source_server(**requirements)

    [step] = plan(build_source_with_tls(tls), build_observed(state))

    assert isinstance(step, SetDemand)
    assert (
        find_condition(build_source_with_tls(tls), build_observed(state), "account slave0000@%").state
        is ConditionState.PENDING
    )


def test_a_source_without_tls_is_refused_if_its_accounts_require_it() -> None:
    bare = replace(build_source_server(), tls=False)

    assert plan(build_source_with_tls(Tls()), build_observed(bare)) == []
    assert (
        find_condition(build_source_with_tls(Tls()), build_observed(bare), "TLS").state
        is ConditionState.FINAL
    )


def test_an_unmanaged_account_with_fewer_requirements_is_a_conflict() -> None:
    state = build_source_server(is_marked=False)

    assert (
        find_condition(build_source_with_tls(Tls()), build_observed(state), "account slave0000@%").state
        is ConditionState.FINAL
    )
    assert (
        find_condition(build_source_with_tls(None), build_observed(state), "account slave0000@%").state
        is ConditionState.HELD
    )


@pytest.mark.parametrize(
    ("source", "desired"),
    [
        (build_source_state("0-7-5", tls=True), ON),
        (build_source_state("0-7-5", tls=False), TlsOptions()),
        (build_failed_source(2003, "Connection refused"), ON),
    ],
    ids=["offers it", "does not", "not observed yet"],
)
def test_without_tls_in_the_document_the_channel_uses_what_the_source_offers(
    source: SourceState, desired: TlsOptions
) -> None:
    assert find_channel_tls(build_desired_replica(), build_observed(build_server(), source)) == desired


@pytest.mark.parametrize("channel_tls", [ON, TlsOptions()])
def test_a_channel_is_not_changed_while_its_source_is_unreachable(channel_tls: TlsOptions) -> None:
    right = build_server("0-7-5", server_id=8, channel=build_channel(tls=channel_tls))

    assert (
        plan(build_desired_replica(), build_observed(right, build_failed_source(2003, "Connection refused")))
        == []
    )


def test_a_plain_channel_moves_once_its_source_offers_tls() -> None:
    plain = build_server("0-7-5", server_id=8, channel=build_channel())

    assert (
        find_channel_tls(
            build_desired_replica(), build_observed(plain, build_source_state("0-7-5", tls=True))
        )
        == ON
    )


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (Tls(required=False), TlsOptions()),
        (Tls(), ON),
        (Tls(ca=CA), TlsOptions(True, "any path", verify=True)),
        (Tls(ca=CA, verify=False), TlsOptions(True, "any path")),
    ],
)
def test_the_document_determines_the_encryption_of_the_channel(tls: Tls, expected: TlsOptions) -> None:
    tls_options = find_channel_tls(
        replace(build_desired_replica(), tls=tls),
        build_observed(build_server(data_directory=FOLDER), build_source_state("0-7-5", tls=True)),
    )

    assert tls_options is not None
    assert (tls_options.is_enabled, tls_options.verify, bool(tls_options.ca)) == (
        expected.is_enabled,
        expected.verify,
        bool(expected.ca),
    )
    assert tls_options == channel_tls.build_tls_options(tls, FOLDER)
    assert not tls_options.ca or tls_options.ca.startswith(f"{FOLDER}guestagent-channel-")


def test_files_are_named_after_their_content() -> None:
    pair = Tls(ca=CA, certificate="c", key=Secret("k"))

    names = channel_tls.build_tls_options(pair, FOLDER)

    assert channel_tls.build_tls_options(pair, FOLDER) == names
    assert channel_tls.build_tls_options(replace(pair, ca="x"), FOLDER).ca != names.ca
    assert channel_tls.build_tls_options(replace(pair, key=Secret("x")), FOLDER).key != names.key


@pytest.mark.parametrize(
    "drifted",
    [TlsOptions(), ON, TlsOptions(True, "/other.pem", verify=True), TlsOptions(has_other_options=True)],
)
def test_every_option_of_a_channel_counts(drifted: TlsOptions) -> None:
    desired = replace(build_desired_replica(), tls=Tls(ca=CA))
    state = build_server("0-7-5", server_id=8, data_directory=FOLDER, channel=build_channel(tls=drifted))
    observed = build_observed(state, build_source_state("0-7-5", tls=True))

    assert find_channel_tls(desired, observed) == channel_tls.build_tls_options(Tls(ca=CA), FOLDER)
    assert find_condition(desired, observed, "channel").state is ConditionState.PENDING


def test_a_running_channel_is_not_replaced_by_one_whose_login_is_rejected() -> None:
    state = build_server(server_id=8, channel=build_channel())

    assert (
        plan(
            build_desired_replica(),
            build_observed(state, build_failed_source(1045, "Access denied")),
            build_memory("old"),
        )
        == []
    )


def test_an_expiring_certificate_is_reported_and_not_a_failure() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel(tls=ON))

    soon = find_condition(
        build_desired_replica(),
        build_observed(state, build_source_state("0-7-5", tls=True, certificate_days=6)),
        "source",
    )
    far = find_condition(
        build_desired_replica(),
        build_observed(state, build_source_state("0-7-5", tls=True, certificate_days=60)),
        "source",
    )

    assert (soon.state, far.state) == (ConditionState.HELD, ConditionState.HELD)
    assert "expires in 6 days" in soon.actual
    assert "expires" not in far.actual


def test_the_source_is_observed_with_the_tls_of_the_document() -> None:
    section = Section(server_id=8, tls=Tls(ca=CA))
    source = build_desired_replica().source
    document = Document(CfnHandle(Secret("http://h")), source=source, section=section)

    desired = DesiredState.from_document(document, DIALECT, "10.0.0.8")

    assert (desired.role, desired.tls) == (Role.REPLICA, Tls(ca=CA))
