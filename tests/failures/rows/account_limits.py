"""Passwords that expire, and accounts that the server locks after too many wrong passwords."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import READY, FailureArea, expect_late
from tests.failures.server_pair import USER, ApplyAnswer, Pair

area = FailureArea("accounts that the server locks or expires")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

ACCOUNT = f"{USER}@'%'"


@area.row(READY)
def an_account_with_an_expired_password(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(f"ALTER USER {ACCOUNT} PASSWORD EXPIRE")
    yield pair.source.apply(pair.build_source_document(Deadline=20))


@area.row(READY)
def a_receiver_stopped_by_an_expired_password(pair: Pair) -> ScenarioAnswers:
    """The agent of the replica starts its pass before the agent of the source."""
    pair.prepare().replica.server.execute(pair.build_channel_statement("STOP"))
    pair.source.server.execute(f"ALTER USER {ACCOUNT} PASSWORD EXPIRE")
    pair.replica.server.execute(pair.build_channel_statement("START"))
    process = pair.replica.start_apply(pair.build_replica_document(Deadline=30))
    assert pair.source.apply(pair.build_source_document(Deadline=20)).is_ready
    yield pair.replica.wait_for_answer(process, 30)


@area.row(READY)
def a_password_older_than_the_server_s_default_lifetime(pair: Pair) -> ScenarioAnswers:
    """The account has no lifetime of its own and is older than the default."""
    pair.prepare().source.server.execute("SET GLOBAL default_password_lifetime = 30")
    pair.source.server.execute(f"ALTER USER {ACCOUNT} PASSWORD EXPIRE DEFAULT")
    statement = pair.choose_statement(
        mariadb="UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.password_last_changed', 1000000)",
        mysql="UPDATE mysql.user SET password_last_changed = '2001-01-01'",
    )
    # Without binary logging: these tables must not be replicated.
    pair.source.server.execute(
        "SET SESSION sql_log_bin = 0", f"{statement} WHERE User = '{USER}'", "FLUSH LOCAL PRIVILEGES"
    )
    yield pair.source.apply(pair.build_source_document(Deadline=20))
    pair.source.server.execute("SET GLOBAL default_password_lifetime = 0")


@area.row(READY, quick=True)
def an_account_locked_by_wrong_passwords(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    lock_account(pair)
    yield pair.source.apply(pair.build_source_document(Deadline=20))
    stop_counting_errors(pair)


@area.row(expect_late("source", "blocked after too many wrong passwords"))
def a_locked_account_while_no_agent_runs_on_the_source(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    lock_account(pair)
    yield pair.replica.apply(pair.build_replica_document())
    stop_counting_errors(pair)
    assert pair.source.apply(pair.build_source_document(Deadline=20)).is_ready


@area.row(READY)
def an_account_with_resource_limits(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(
        f"ALTER USER {ACCOUNT} WITH MAX_USER_CONNECTIONS 1 MAX_CONNECTIONS_PER_HOUR 1"
    )
    yield pair.source.apply(pair.build_source_document(Deadline=20))


def lock_account(pair: Pair) -> None:
    """Limit the number of wrong passwords on the source, and log in with too many."""
    pair.source.server.execute(
        pair.choose_statement(
            mariadb="SET GLOBAL max_password_errors = 2",
            mysql=f"ALTER USER {ACCOUNT} FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED",
        )
    )
    for _ in range(2):
        answer = pair.replica.apply(pair.build_replica_document(password="wrong"))
        assert not answer.is_ready


def stop_counting_errors(pair: Pair) -> None:
    """Lift the limit of a MariaDB; the account of a MySQL has its own."""
    if pair.family == "mariadb":
        pair.source.server.execute("SET GLOBAL max_password_errors = 4294967295")
