"""Failures to reach the source or to log in: name, address, port, credentials, limits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

import pymysql

from tests.failures.row import READY, FailureArea, expect_final, expect_invalid, expect_late
from tests.failures.server_pair import PASSWORD, USER, ApplyAnswer, Node, Pair

area = FailureArea("connecting and logging in")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

REJECTED_LOGIN = expect_late("source", "a wrong password, an unknown user")
# MariaDB reports either error for a user that does not exist: it depends on the account that it checks instead.
UNKNOWN_USER = expect_late("source", "an unknown user, a user for other hosts")


@area.row(REJECTED_LOGIN, quick=True)
def a_wrong_password(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(password="mistaken"))


@area.row(UNKNOWN_USER)
def an_unknown_user(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(user="slave9999"))


@area.row(UNKNOWN_USER)
def a_user_for_another_network(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source(Network="10.99.0.0/16")
    yield pair.replica.apply(pair.build_replica_document())
    pair.prepare_source()


@area.row(READY, quick=True)
def a_replica_that_connects_before_its_account_exists(pair: Pair) -> ScenarioAnswers:
    process = pair.replica.start_apply(pair.build_replica_document(Deadline=60))
    pair.prepare_source()
    yield pair.replica.wait_for_answer(process, 60)


@area.row(
    mariadb=expect_late("receiver", "lacks REPLICATION SLAVE"),
    mysql=expect_late("receiver", "lacks REPLICATION SLAVE"),
)
def an_account_without_the_replication_privilege(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute(f"REVOKE REPLICATION SLAVE ON *.* FROM {USER}@'%'")
    yield pair.replica.apply(pair.build_replica_document())
    pair.prepare_source()


@area.row(expect_late("source", "no complete answer"), heals=False)
def a_source_that_sends_its_greeting_one_byte_at_a_time(pair: Pair) -> ScenarioAnswers:
    address = pair.source.server.address
    command = (
        *pair.source.command_prefix,
        sys.executable,
        "-m",
        "tests.support.slow_server",
        address,
        "13306",
    )
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as slow_server:
        assert slow_server.stdout is not None
        slow_server.stdout.readline()
        document = pair.build_replica_document()
        document["Master"]["Port"] = 13306
        yield pair.replica.apply(document)
        slow_server.communicate()


SSH_SERVER = (
    "import socket, sys; listener = socket.create_server((sys.argv[1], 13306)); print('ready', flush=True)\n"
    "while True: listener.accept()[0].sendall(b'SSH-2.0-OpenSSH_9.2p1\\r\\n')"
)


@area.row(expect_late("source", "another service answers at the source's port"), heals=False)
def a_port_at_which_ssh_answers(pair: Pair) -> ScenarioAnswers:
    command = (*pair.source.command_prefix, sys.executable, "-c", SSH_SERVER, pair.source.server.address)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other_service:
        assert other_service.stdout is not None
        other_service.stdout.readline()
        document = pair.build_replica_document()
        document["Master"]["Port"] = 13306
        yield pair.replica.apply(document)
        other_service.kill()


@area.row(expect_late("source", "the source's init_connect fails for this account"))
def an_init_connect_that_the_account_may_not_execute(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.execute("SET GLOBAL init_connect = 'SELECT * FROM nowhere.x'")
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.execute("SET GLOBAL init_connect = ''")


@area.row(expect_late("source", "nothing responds in time"))
def an_init_connect_that_does_not_end(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.execute("SET GLOBAL init_connect = 'DO SLEEP(60)'")
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.execute("SET GLOBAL init_connect = ''")


@area.row(mysql=expect_late("source", "the source is in offline mode"))
def a_source_in_offline_mode(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.execute("SET GLOBAL offline_mode = ON")
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.execute("SET GLOBAL offline_mode = OFF")


@area.row(expect_late("source", "nothing listens there"), quick=True)
def a_source_that_is_down(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.source.server.stop()
    yield pair.replica.apply(pair.build_replica_document())
    pair.source.server.start()
    pair.prepare_source()


@area.row(expect_late("source", "no route to the source's address"))
def an_unused_address(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(address=pair.unused_address, Deadline=8))


@area.row(expect_late("source", "no answer from the source"))
def a_firewall_that_drops_packets(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.link.cut()
    yield pair.replica.apply(pair.build_replica_document())
    pair.link.heal()


@area.row(expect_late("source", "does not resolve"))
def a_host_name_that_does_not_resolve(pair: Pair) -> ScenarioAnswers:
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
def an_account_restricted_to_the_unix_socket(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(f"CREATE USER {USER}@'%' IDENTIFIED VIA unix_socket")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_invalid("Master.User.password"), heals=False)
def a_password_that_is_too_long_for_a_channel(pair: Pair) -> ScenarioAnswers:
    yield pair.replica.apply(pair.build_replica_document(password="x" * 97))


@area.row(expect_late("account slave0000@%", "Access denied"))
def a_more_specific_account_of_the_same_name(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    account = f"{USER}@'{pair.source.server.address}'"
    pair.source.server.execute(f"CREATE USER {account} IDENTIFIED BY 'another one'")
    yield pair.source.apply(pair.build_source_document())
    pair.source.server.execute(f"DROP USER {account}")


@area.row(
    expect_final(f"account {USER}@%", "an account of this name that the agent did not create"), heals=False
)
def a_foreign_account_with_the_name_of_the_replication_user(pair: Pair) -> ScenarioAnswers:
    pair.source.server.execute(f"CREATE USER {USER}@'%' IDENTIFIED BY 'made by hand'")
    yield pair.source.apply(pair.build_source_document())


@contextmanager
def fill_connections(node: Node) -> Iterator[None]:
    """Use up every connection of the server except the extra one that it reserves for root."""
    server = node.server
    default_limit = server.query_value("@@max_connections")
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
    server.execute(f"SET GLOBAL max_connections = {default_limit}")
