"""What servers do to accounts by themselves: passwords that age, accounts that wrong passwords shut."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import READY, FailureArea, expect_late
from tests.failures.server_pair import USER, ApplyAnswer, Pair

area = FailureArea("accounts that a server shuts")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

ACCOUNT = f"{USER}@'%'"


@area.row(READY)
def an_account_whose_password_has_expired(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(f"ALTER USER {ACCOUNT} PASSWORD EXPIRE")
    yield pair.source.apply(pair.build_source_document(Deadline=20))


@area.row(READY)
def a_receiver_that_was_stopped_by_an_expired_password(pair: Pair) -> ScenarioAnswers:
    """The source's agent comes later than the replica's."""
    pair.prepare().replica.server.execute(pair.build_channel_statement("STOP"))
    pair.source.server.execute(f"ALTER USER {ACCOUNT} PASSWORD EXPIRE")
    pair.replica.server.execute(pair.build_channel_statement("START"))
    passing = pair.replica.start_apply(pair.build_replica_document(Deadline=30))
    assert pair.source.apply(pair.build_source_document(Deadline=20)).is_ready
    yield pair.replica.wait_for_answer(passing, 30)


@area.row(READY)
def passwords_that_age_by_the_server_s_default(pair: Pair) -> ScenarioAnswers:
    """The account is older than the server lets a password become."""
    pair.prepare().source.server.execute("SET GLOBAL default_password_lifetime = 30")
    pair.source.server.execute(f"ALTER USER {ACCOUNT} PASSWORD EXPIRE DEFAULT")
    aged = pair.choose_statement(
        mariadb="UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.password_last_changed', 1000000)",
        mysql="UPDATE mysql.user SET password_last_changed = '2001-01-01'",
    )
    # Unlogged: these tables are not for replicas.
    pair.source.server.execute(
        "SET SESSION sql_log_bin = 0", f"{aged} WHERE User = '{USER}'", "FLUSH LOCAL PRIVILEGES"
    )
    yield pair.source.apply(pair.build_source_document(Deadline=20))
    pair.source.server.execute("SET GLOBAL default_password_lifetime = 0")


@area.row(READY, quick=True)
def an_account_that_wrong_passwords_have_shut(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    lock_account(pair)
    yield pair.source.apply(pair.build_source_document(Deadline=20))
    stop_counting_errors(pair)


@area.row(expect_late("source", "blocked after too many wrong passwords"))
def an_account_that_stays_shut_because_its_source_has_no_agent(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    lock_account(pair)
    yield pair.replica.apply(pair.build_replica_document())
    stop_counting_errors(pair)
    assert pair.source.apply(pair.build_source_document(Deadline=20)).is_ready


@area.row(READY)
def an_account_with_limits_of_its_own(pair: Pair) -> ScenarioAnswers:
    pair.prepare().source.server.execute(
        f"ALTER USER {ACCOUNT} WITH MAX_USER_CONNECTIONS 1 MAX_CONNECTIONS_PER_HOUR 1"
    )
    yield pair.source.apply(pair.build_source_document(Deadline=20))


def lock_account(pair: Pair) -> None:
    """Make the source count wrong passwords, and give it too many."""
    pair.source.server.execute(
        pair.choose_statement(
            mariadb="SET GLOBAL max_password_errors = 2",
            mysql=f"ALTER USER {ACCOUNT} FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED",
        )
    )
    for _ in range(2):
        told = pair.replica.apply(pair.build_replica_document(password="wrong"))
        assert not told.is_ready


def stop_counting_errors(pair: Pair) -> None:
    """Let a MariaDB count no longer."""
    if pair.family == "mariadb":
        pair.source.server.execute("SET GLOBAL max_password_errors = 4294967295")
