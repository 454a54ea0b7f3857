"""On the way to the source: name, address, port, credentials, certificates."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

import pymysql

from tests.failures.row import READY, FailureArea, expect_invalid, expect_late
from tests.failures.server_pair import PASSWORD, USER, ApplyAnswer, Node, Pair

area = FailureArea("connecting and logging in")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

REFUSED_LOGIN = expect_late("source", "a wrong password, an unknown user")
# Which of the two MariaDB says of a user that does not exist depends on whom it takes in its place.
UNKNOWN = expect_late("source", "an unknown user, a user for other hosts")


@area.row(REFUSED_LOGIN, quick=True)
def a_wrong_password(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(password="mistaken"))


@area.row(UNKNOWN)
def an_unknown_user(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(user="slave9999"))


@area.row(UNKNOWN)
def a_user_for_another_network(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source(Network="10.99.0.0/16")
    yield pair.replica.apply(pair.build_replica_document())
    pair.prepare_source()


@area.row(READY, quick=True)
def a_replica_that_knocks_before_its_account_exists(pair: Pair) -> ScenarioAnswers:
    knocking = pair.replica.start_apply(pair.build_replica_document(Deadline=60))
    pair.prepare_source()
    yield pair.replica.wait_for_answer(knocking, 60)


@area.row(
    mariadb=expect_late("receiver", "lacks REPLICATION SLAVE"),
    mysql=expect_late("receiver", "lacks REPLICATION SLAVE"),
)
def an_account_without_the_right_to_replicate(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(f"REVOKE REPLICATION SLAVE ON *.* FROM {USER}@'%'")
    yield pair.replica.apply(pair.build_replica_document())
    pair.prepare_source()


@area.row(expect_late("source", "no complete answer"), heals=False)
def a_source_that_sends_its_greeting_byte_after_byte(pair: Pair) -> ScenarioAnswers:
    server = pair.source.server
    command = (
        *pair.source.command_prefix,
        sys.executable,
        "-m",
        "tests.support.slow_server",
        server.address,
        "13306",
    )
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dripping:
        assert dripping.stdout is not None
        dripping.stdout.readline()
        document = pair.build_replica_document()
        document["Master"]["Port"] = 13306
        yield pair.replica.apply(document)
        dripping.communicate()


@area.row(expect_late("source", "nothing listens there"), quick=True)
def a_source_that_is_down(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.stop()
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.start()
    pair.prepare_source()


@area.row(expect_late("source", "no route to the source's address"))
def an_address_that_nobody_has(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(address=pair.unused_address, Deadline=8))


@area.row(expect_late("source", "no answer from the source"))
def a_firewall_that_drops_packets(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.link.cut()
    yield pair.replica.apply(pair.build_replica_document())
    pair.link.heal()


@area.row(expect_late("source", "does not resolve"))
def a_name_that_does_not_resolve(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(address="no-such-host.invalid"))


@area.row(expect_late("source", "the user is locked"))
def a_locked_account(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(f"ALTER USER {USER}@'%' ACCOUNT LOCK")
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.execute(f"ALTER USER {USER}@'%' ACCOUNT UNLOCK")


@area.row(expect_late("source", "password has expired"))
def an_expired_password(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(f"ALTER USER {USER}@'%' PASSWORD EXPIRE")
    yield pair.replica.apply(pair.build_replica_document())
    pair.is_spoiled = True
    pair.source.server.execute(f"ALTER USER {USER}@'%' IDENTIFIED BY '{PASSWORD}' PASSWORD EXPIRE NEVER")
    pair.prepare_source()


@area.row(expect_late("source", "too many connections"))
def a_source_with_no_connection_left(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    with fill_connections(pair.source):
        yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_late("source", "too many connections"))
def an_account_with_no_connection_left(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(f"ALTER USER {USER}@'%' WITH MAX_USER_CONNECTIONS 1")
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.execute(f"ALTER USER {USER}@'%' WITH MAX_USER_CONNECTIONS 0")


@area.row(mariadb=expect_late("source", "one that may use the socket only"), heals=False)
def an_account_for_the_socket_alone(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(f"CREATE USER {USER}@'%' IDENTIFIED VIA unix_socket")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_invalid("Master.User.password"), heals=False)
def a_password_that_no_channel_takes(pair: Pair) -> ScenarioAnswers:
    yield pair.replica.apply(pair.build_replica_document(password="x" * 97))


@area.row(expect_late("account slave0000@%", "Access denied"))
def an_account_of_the_same_name_that_the_source_prefers(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    other = f"{USER}@'{pair.source.server.address}'"
    pair.source.server.execute(f"CREATE USER {other} IDENTIFIED BY 'an other one'")
    yield pair.source.apply(pair.build_source_document())
    pair.source.server.execute(f"DROP USER {other}")


@contextmanager
def fill_connections(node: Node) -> Iterator[None]:
    """Every connection of the server is taken, but for root's own extra one."""
    server = node.server
    usual = server.query_value("@@max_connections")
    server.execute("SET GLOBAL max_connections = 10")
    with ExitStack() as stack:
        try:
            for _ in range(40):
                stack.enter_context(
                    pymysql.connect(unix_socket=server.socket, user="root", ssl_disabled=True)
                )
        except pymysql.OperationalError as error:
            assert error.args[0] == 1040, error
        yield
    server.execute(f"SET GLOBAL max_connections = {usual}")
