"""Problems of a document's GuestAgent section."""

from __future__ import annotations

import pytest

from tests.support.metadata_problems import list_problems
from tests.support.raw_documents import PEM, PRIVATE_KEY, build_source

USERS = [{"name": f"slave{number:04}", "password": "secret"} for number in range(10)]


def build_donor(*methods: str) -> dict[str, object]:
    """A donor of a replica for each method."""
    return {
        "Replicas": [
            {
                "Node": f"Slave{number:04}",
                "User": {"name": f"seed{number:04}", "password": "secret"},
                "ReplicationUser": f"slave{number:04}",
                "Method": method,
            }
            for number, method in enumerate(methods)
        ]
    }


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            build_source(Version=2, Nonsense=1),
            "GuestAgent.Version: expected at most 1, the newest version known here, found 2 "
            "(a newer guestagent wrote this: update the image)",
        ),
        (build_source(Version=0), "GuestAgent.Version: expected 1, found 0"),
        (
            build_source(Node="a b"),
            "GuestAgent.Node: expected a resource's name (letters, digits, _, - and .), found another string",
        ),
        (
            build_source(Network="10.0.0.7/24"),
            "GuestAgent.Network: expected a network such as 10.0.0.0/24 or 2001:db8:0:1::/64, found 10.0.0.7/24, which "
            "has host bits (the network is 10.0.0.0/24)",
        ),
        (
            build_source(Network="10.0.0.0"),
            "GuestAgent.Network: expected a network such as 10.0.0.0/24 or 2001:db8:0:1::/64, found something else "
            "(an address and the length of its prefix, as in these)",
        ),
        (
            build_source(Network="FD00:0::/48"),
            "GuestAgent.Network: expected a network such as 10.0.0.0/24 or 2001:db8:0:1::/64, found FD00:0::/48, "
            "spelled otherwise (the network is fd00::/48)",
        ),
        (
            build_source(Network="fd00::/64"),
            "GuestAgent.Network: expected a network that the servers can distinguish from others, found fd00::/64 "
            "(servers compare the texts of IPv6 addresses, group by group; the smallest larger network that they can "
            "distinguish is fd00::/48)",
        ),
        (
            build_source(Network="fe80::/64"),
            "GuestAgent.Network: expected a network that the servers can distinguish from others, found fe80::/64 "
            "(servers compare the texts of IPv6 addresses, group by group; leave it out)",
        ),
        (
            build_source(TLS={"Verify": "true"}),
            "GuestAgent.TLS.Verify: expected true or false, found a string",
        ),
        (
            build_source(TLS={"CA": "/etc/ca.pem"}),
            "GuestAgent.TLS.CA: expected certificates in PEM, found another string",
        ),
        (
            build_source(TLS={"CA": PEM + "-----BEGIN PRIVATE KEY-----"}),
            "GuestAgent.TLS.CA: expected a string without any private key or NUL, found one at character 71",
        ),
        (
            build_source(TLS={"Required": False, "CA": PEM}),
            "GuestAgent.TLS.Required: expected nothing beside it if it is false, found CA",
        ),
        (
            build_source(TLS={"Verify": True}),
            "GuestAgent.TLS.CA: expected a CA if Verify is true, found nothing "
            "(there is nothing to verify against)",
        ),
        (
            build_source(TLS={"Certificate": PEM}),
            "GuestAgent.TLS.Key: expected the private key of the Certificate, found nothing",
        ),
        (
            build_source(TLS={"Key": PRIVATE_KEY}),
            "GuestAgent.TLS.Certificate: expected the certificate of the Key, found nothing",
        ),
        (
            build_source(
                TLS={"Certificate": PEM, "Key": PRIVATE_KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")}
            ),
            "GuestAgent.TLS.Key: expected a string without any passphrase or NUL, found one at character 12",
        ),
        (
            build_source(Seeding={"Method": "rsync"}),
            "GuestAgent.Seeding.Method: expected auto or replay or clone or backup or dump, found another word",
        ),
        (
            build_source(Variables={"long_query_time": 1.5}),
            "GuestAgent.Variables.long_query_time: "
            "expected a string, an integer or a boolean, found a number (quote it)",
        ),
        (
            build_source(Variables={"max_connection": 1}),
            "GuestAgent.Variables.max_connection: expected a variable that a document may set, found one that is "
            "not in the list (did you mean max_connections or extra_max_connections or max_connect_errors?)",
        ),
        (
            build_source(Variables={"skip-grant-tables": True}),
            "GuestAgent.Variables.skip-grant-tables: expected a variable that a document may set, found one that it "
            "may not: it controls access to the machine",
        ),
        (
            build_source(Variables={"max_connections": "8G"}),
            "GuestAgent.Variables.max_connections: expected an integer from 10 to 100000, found another value",
        ),
        (
            build_source(Variables={"wait-timeout": 5, "wait_timeout": 6}),
            "GuestAgent.Variables.wait_timeout: expected each variable once, found it twice: - and _ are the same "
            "to a server",
        ),
        (
            build_source(Variables={"slave_net_timeout": 1}),
            "GuestAgent.Variables.slave_net_timeout: expected an integer from 3 to 31536000, found another value (the "
            "agent's channels have a heartbeat every 2 s, and a shorter timeout would disconnect them)",
        ),
        (
            build_source(Variables={"innodb-io-capacity": 5000, "innodb_io_capacity_max": 4000}),
            "GuestAgent.Variables.innodb_io_capacity: expected at most innodb_io_capacity_max, 4000, found 5000 "
            "(raise innodb_io_capacity_max, or lower this one)",
        ),
        (
            build_source(*USERS, Variables={"max_connections": 10}),
            "GuestAgent.Variables.max_connections: expected at least 11 for 10 replicas, found 10 "
            "(each replica has a connection, and the agent logs in too)",
        ),
        (
            build_source(*USERS, Donor=build_donor("auto", "replay"), Variables={"max_connections": 12}),
            "GuestAgent.Variables.max_connections: expected at least 13 for 10 replicas, of which 1 is seeded, found "
            "12 (each replica has a connection, a seed has 2 more, and the agent logs in too)",
        ),
        (
            build_source(TLS={"Required": False}, Variables={"require_secure_transport": "on"}),
            "GuestAgent.Variables.require_secure_transport: expected OFF if channels are in clear, found ON (the "
            "server would reject every channel: require TLS of the channels, or leave the variable out)",
        ),
        (
            build_source(Variables={"a b": 1}),
            "GuestAgent.Variables.a b: expected a variable's name (letters, digits, _ and -), found another string",
        ),
    ],
)
def test_an_invalid_section_is_reported_with_one_problem(document: object, problem: str) -> None:
    assert list_problems(document) == [problem]
