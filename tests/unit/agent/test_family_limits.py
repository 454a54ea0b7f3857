"""A request that exceeds a limit of the database family is refused at the first look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.family_limits import MYSQL_PASSWORD_BYTES_LIMIT, find_family_limit
from guestagent.agent.model import DesiredState
from guestagent.database.mariadb import channel_options as mariadb
from guestagent.database.mysql import channel_options as mysql
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import Account, ServerState
from guestagent.metadata.document import CfnHandle, Document, Role, Section, Source, User
from guestagent.metadata.variable_allowlist import NET_TIMEOUT
from guestagent.secret import Secret
from tests.support.agent_states import (
    DIALECT,
    build_memory,
    build_observed,
    build_server,
    plan_allowed_steps,
)

LONG = Secret("é" * 16 + "x")


def build_mysql_server(**changes: object) -> ServerState:
    return replace(build_server(), history=MysqlHistory(), **changes)  # type: ignore[arg-type]


def build_source(name: str, password: Secret) -> DesiredState:
    return DesiredState(Role.SOURCE, server_id=7, accounts=(DesiredAccount(Account(name, "%"), password),))


def build_replica(name: str, password: Secret) -> DesiredState:
    return DesiredState(Role.REPLICA, server_id=8, source=Source("10.0.0.7", User(name, password)))


@pytest.mark.parametrize("desired", [build_source("slave0000", LONG), build_replica("slave0000", LONG)])
def test_mysql_limits_the_bytes_of_a_password(desired: DesiredState) -> None:
    limit = find_family_limit(desired, build_mysql_server())

    assert limit is not None
    assert (limit.name, limit.actual) == ("password of slave0000", f"{MYSQL_PASSWORD_BYTES_LIMIT + 1} bytes")
    assert find_family_limit(desired, build_server()) is None


def test_the_marker_role_is_a_reserved_name_on_mysql() -> None:
    desired = build_source("guestagent", Secret("pw"))

    limit = find_family_limit(desired, build_mysql_server())

    assert limit is not None
    assert limit.name == "user name"
    assert find_family_limit(desired, build_server()) is None


@pytest.mark.parametrize(
    ("charset", "fits"), [("latin1", False), ("utf8mb3", True), ("utf8mb4", True), ("", True)]
)
@pytest.mark.parametrize("state", [build_server(), build_mysql_server()])
def test_a_channel_garbles_a_name_unless_its_server_was_started_with_utf8(
    charset: str, fits: bool, state: ServerState
) -> None:
    server = replace(state, channel_charset=charset)

    assert (find_family_limit(build_replica("réplique", Secret("pw")), server) is None) == fits
    assert find_family_limit(build_replica("replica", Secret("pw")), server) is None
    assert find_family_limit(build_source("réplique", Secret("pw")), server) is None


@pytest.mark.parametrize(("tls", "fits"), [(True, True), (None, True), (False, False)])
def test_a_server_without_tls_cannot_reject_clear_text_alone(tls: bool | None, fits: bool) -> None:
    desired = replace(build_source("slave0000", Secret("pw")), requires_secure_transport=True)

    assert (find_family_limit(desired, build_server(tls=tls)) is None) == fits
    assert find_family_limit(replace(desired, accounts=()), build_server(tls=tls)) is None


def test_require_secure_transport_is_read_from_the_document() -> None:
    section = Section(server_id=7, variables={"require_secure_transport": "on"})
    document = Document(CfnHandle(Secret("http://handle")), section=section)

    assert DesiredState.from_document(document, DIALECT, None).requires_secure_transport


def test_nothing_is_planned_beyond_a_limit() -> None:
    assert (
        plan_allowed_steps(
            build_source("slave0000", LONG), build_observed(build_mysql_server()), build_memory(), DIALECT
        )
        == ()
    )


def test_a_channels_timeout_is_longer_than_its_heartbeat() -> None:
    assert max(mariadb.HEARTBEAT_INTERVAL_S, mysql.HEARTBEAT_INTERVAL_S) < NET_TIMEOUT.minimum
