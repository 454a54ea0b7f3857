"""Problems of invalid documents: each has a path, the expected value, the actual value and advice."""

from __future__ import annotations

import pytest

from guestagent.metadata import parse
from tests.support.metadata_problems import list_problems
from tests.support.raw_documents import SLAVE, URL, build_replica, build_source


def test_every_problem_is_reported_at_once() -> None:
    document = build_replica("http://x", {"name": "a" * 33, "password": ["x"]}, Port=0) | {
        "ReadyWaitCondition": "Master0000ReadyWaitCondHandle",
        "GuestAgent": {"Generatoin": 2, "ServerId": 0},
    }

    assert list_problems(document) == [
        "ReadyWaitCondition: expected a URL (http or https) or the document of a HOT handle, found another "
        "string (Heat gives the handle's own name until the handle exists)",
        "Master.Address: expected an IPv4 or IPv6 address or a host name, found something else "
        "(without the scheme)",
        "Master.Port: expected an integer from 1 to 65535, found 0",
        "Master.User.name: expected at most 32 characters, found 33 (MySQL accepts no more for a user)",
        "Master.User.password: expected a string, found a list",
        "GuestAgent.Generatoin: expected one of Deadline, Donor, Generation, Network, Node, PollingInterval, "
        "Readiness, RetainPasswords, Seeding, ServerId, TLS, Variables, Verification, Version, Volume, found an "
        "unknown key (did you mean Generation?)",
        "GuestAgent.ServerId: expected an integer from 1 to 4294967295, found 0",
    ]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (None, "document: expected a mapping, found nothing"),
        ([1], "document: expected a mapping, found a list"),
        ({1: 2}, "document: expected a mapping with strings as keys, found an integer as a key"),
        (
            {},
            "ReadyWaitCondition: expected a URL (http or https) or the document of a HOT handle, found nothing",
        ),
        (
            build_replica() | {"Users": []},
            "document: expected Users (a source's) or Master (a replica's), found both "
            "(a replica cannot be a source: chained replication is not supported)",
        ),
        ({"ReadyWaitCondition": URL, "Master": None}, "Master: expected a mapping, found nothing"),
        (
            build_source() | {"Users": {"name": "a", "password": "b"}},
            "Users: expected a list, found a mapping",
        ),
        (build_source(*[SLAVE] * 2001), "Users: expected at most 1000 users, found more"),
        (
            build_source({"name": "a"}),
            "Users[0].password: expected a string of 1 to 32 characters, found nothing",
        ),
        (
            build_source({"password": "b"}),
            "Users[0].name: expected a string of 1 to 32 characters, found nothing",
        ),
        (
            build_source({"name": "a"}, {"password": 7}),
            "Users[1].password: expected a string, found an integer (quote it)",
        ),
        (
            build_source(SLAVE, {"name": "slave0000"}, {"password": "c"}),
            "Users[1].name: expected names that differ, found the name of Users[0] again",
        ),
        (
            build_source({"name": "a ", "password": "b"}),
            "Users[0].name: expected a string without any control character, character beyond U+FFFF, blank at an "
            "end, or quotes around it, found one at character 2",
        ),
        (
            build_source({"name": "'a'", "password": "b"}),
            "Users[0].name: expected a string without any control character, character beyond U+FFFF, blank at an "
            "end, or quotes around it, found one at character 1",
        ),
        (
            build_source({"name": "mariadb.sys", "password": "b"}),
            "Users[0].name: expected a name that no server uses itself, found mariadb.sys "
            "(it is one of the server's own accounts: choose another)",
        ),
        (
            build_source({"name": "a", "password": "b\0"}),
            "Users[0].password: expected a string without any control character or character beyond U+FFFF, found "
            "one at character 2",
        ),
        (
            build_source({"name": "a", "password": "key \U0001f511"}),
            "Users[0].password: expected a string without any control character or character beyond U+FFFF, found "
            "one at character 5",
        ),
        (
            build_source({"name": "a", "password": "b" * 33}),
            "Users[0].password: expected at most 32 characters, found 33 "
            "(MySQL accepts no more for the password of a channel)",
        ),
        (
            build_source({"name": "a", "password": "b", "host": "%"}),
            "Users[0].host: expected one of name, network, password, found an unknown key",
        ),
        (
            build_source({"name": "a", "password": {"Fn::GetAttr": ["a", "b"]}}),
            "Users[0].password: expected one of Heat's functions, found an unknown one (did you mean Fn::GetAtt?)",
        ),
        (
            build_source({"name": "a", "password": {"Ref": ["a"]}}),
            "Users[0].password.Ref: expected a name, found something else",
        ),
        (
            build_source() | {"Users": {"get_param": "users"}},
            "Users: expected a list of users, found a template function (write the value itself)",
        ),
        (
            build_replica("10.0.0.7:3306"),
            "Master.Address: expected an IPv4 or IPv6 address or a host name, found something else "
            "(put the port in Master.Port)",
        ),
        (
            build_replica("[fd00::7]"),
            "Master.Address: expected an IPv4 or IPv6 address or a host name, found something else "
            "(without brackets)",
        ),
        (
            build_replica("10.0.0.256"),
            "Master.Address: expected an IPv4 or IPv6 address or a host name, found something else",
        ),
        (
            build_replica("0.0.0.0"),  # noqa: S104
            "Master.Address: expected an address that leads somewhere, found 0.0.0.0 "
            "(Heat returns it until it knows the server's own address)",
        ),
        (
            build_replica("FF02::1"),
            "Master.Address: expected an address that leads somewhere, found FF02::1 "
            "(it is a multicast address: give the source's own)",
        ),
        (
            build_replica("255.255.255.255"),
            "Master.Address: expected an address that leads somewhere, found 255.255.255.255 "
            "(it is the broadcast address: give the source's own)",
        ),
        (
            build_replica("fe80::1"),
            "Master.Address: expected an address that leads somewhere, found fe80::1 (a link-local address needs an "
            "interface, which a channel cannot name: give a global or unique local one)",
        ),
        (
            {"ReadyWaitCondition": "http://heat.example:99999/"},
            "ReadyWaitCondition: expected a URL with a host and a port from 1 to 65535, found another "
            "(heat_waitcondition_server_url in heat.conf, or the catalog, gives both)",
        ),
        (
            {"ReadyWaitCondition": {"alarm_url": "http://[:::]/"}},
            "ReadyWaitCondition.alarm_url: expected a URL with a host and a port from 1 to 65535, found a URL with "
            "brackets around something that is no IPv6 address (heat_waitcondition_server_url in heat.conf, or the "
            "catalog, gives both)",
        ),
        (build_replica(Port=True), "Master.Port: expected an integer from 1 to 65535, found a boolean"),
        (build_replica(Port="65536"), "Master.Port: expected an integer from 1 to 65535, found 65536"),
        (build_replica(Port="03306"), "Master.Port: expected an integer from 1 to 65535, found a string"),
        (
            build_replica(Port={"Ref": "Port"}),
            "Master.Port: expected an integer from 1 to 65535, found a template function (write the value itself)",
        ),
        (
            {"ReadyWaitCondition": "{}"},
            "ReadyWaitCondition.alarm_url: expected a URL (http or https), found nothing "
            "(choose CFN_SIGNAL or HEAT_SIGNAL as the handle's signal_transport)",
        ),
        (
            {"ReadyWaitCondition": {"token": "t"}},
            "ReadyWaitCondition.endpoint: expected a URL (http or https), found nothing",
        ),
        (
            {"ReadyWaitCondition": {"token": "a b", "endpoint": "http://heat.example/"}},
            "ReadyWaitCondition.token: expected a token, found a string",
        ),
        (
            {"ReadyWaitCondition": "{'alarm_url': 1}"},
            "ReadyWaitCondition: expected a URL (http or https) or the document of a HOT handle, found a document "
            "that is not JSON, or too large",
        ),
    ],
)
def test_an_invalid_document_is_reported_with_one_problem(document: object, problem: str) -> None:
    assert list_problems(document) == [problem]


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "::0", "0::", "0:0:0:0:0:0:0:0", "::0.0.0.0", "::ffff:0.0.0.0", "::FFFF:0:0"],  # noqa: S104
)
def test_every_spelling_of_the_unspecified_address_is_rejected(address: str) -> None:
    [problem] = list_problems(build_replica(address))

    assert problem.endswith(f"found {address} (Heat returns it until it knows the server's own address)")


@pytest.mark.parametrize("name", ["`x`", '"x"', "'x", "x'", "'", "root@x", "é" * 32])
def test_a_name_that_a_server_stores_unchanged_is_valid(name: str) -> None:
    assert parse(build_source({"name": name, "password": "b"})).users[0].name == name


def test_a_source_may_listen_on_loopback_if_its_replicas_are_on_the_same_machine() -> None:
    assert parse(build_source(SLAVE, Variables={"bind_address": "127.0.0.1"})).users


def test_a_replica_may_connect_to_a_foreign_source_as_any_user() -> None:
    assert parse(build_replica("10.0.0.7", {"name": "root", "password": "b"})).source is not None


def test_no_problem_shows_a_secret() -> None:
    secret = "hunter2\n"

    problems = list_problems(
        build_source({"name": "a", "password": secret}) | {"ReadyWaitCondition": f"ftp://{secret}"}
    )

    assert len(problems) == 2
    assert "hunter2" not in str(problems)
