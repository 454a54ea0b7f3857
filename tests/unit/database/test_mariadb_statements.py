"""MariaDB's dialect: statements, host names and password hashes. No server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mariadb.password_hash import hash_password
from guestagent.database.mariadb.statements import NO_LIMITS, build_statements
from guestagent.database.state import Account
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DropAccount,
    LoadClonePlugin,
    PointChannel,
    SetPassword,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    StartChannel,
    Step,
    StopChannel,
)
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import MASK, Secret

DIALECT = MariadbDialect()
REPLICATOR = Account("slave0000", "10.0.0.0/255.255.255.0")
WHO = "'slave0000'@'10.0.0.0/255.255.255.0'"
PASSWORD = Secret("hunter2")
POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)

STEPS: list[tuple[Step, tuple[str, ...]]] = [
    (SetServerId(7), ("SET GLOBAL server_id = 7",)),
    (SetReadOnly(True), ("SET GLOBAL read_only = 1",)),
    (SetReadOnly(False), ("SET GLOBAL read_only = 0",)),
    (CreateMarker(), ("CREATE ROLE 'guestagent'",)),
    (
        CreateAccount(REPLICATOR, PASSWORD),
        (
            f"CREATE USER {WHO} IDENTIFIED VIA mysql_native_password USING '{MASK}'{NO_LIMITS}",
            f"GRANT REPLICATION SLAVE ON *.* TO {WHO}",
            f"GRANT 'guestagent' TO {WHO}",
        ),
    ),
    (
        SetPassword(REPLICATOR, PASSWORD),
        (f"ALTER USER {WHO} IDENTIFIED VIA mysql_native_password USING '{MASK}' REQUIRE NONE{NO_LIMITS}",),
    ),
    (
        SetPassword(REPLICATOR, PASSWORD, require_tls=True),
        (f"ALTER USER {WHO} IDENTIFIED VIA mysql_native_password USING '{MASK}' REQUIRE SSL{NO_LIMITS}",),
    ),
    *(
        (
            step,
            (
                f"ALTER USER {WHO} IDENTIFIED VIA mysql_native_password USING '{MASK}'"
                f" OR mysql_native_password USING '{MASK}' REQUIRE NONE{NO_LIMITS}",
            ),
        )
        for step in (
            SetPassword(REPLICATOR, PASSWORD, current_hash=Secret("*OLD")),
            SetPassword(REPLICATOR, PASSWORD, kept_hash=Secret("*OLD")),
        )
    ),
    (
        SetPrivileges(REPLICATOR),
        (
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {WHO}",
            f"GRANT REPLICATION SLAVE ON *.* TO {WHO}",
            f"GRANT 'guestagent' TO {WHO}",
        ),
    ),
    (
        SetPrivileges(REPLICATOR, AccountPurpose.DUMP),
        (
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {WHO}",
            f"GRANT EVENT, SELECT, SHOW VIEW, TRIGGER ON *.* TO {WHO}",
            f"GRANT 'guestagent' TO {WHO}",
        ),
    ),
    (
        SetPrivileges(REPLICATOR, AccountPurpose.VERIFICATION),
        (
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {WHO}",
            f"GRANT SELECT, SHOW VIEW ON *.* TO {WHO}",
            f"GRANT 'guestagent' TO {WHO}",
        ),
    ),
    (DropAccount(REPLICATOR), (f"DROP USER {WHO}",)),
    (LoadClonePlugin(), ()),
    (StopChannel(), ("STOP SLAVE",)),
    (StartChannel(), ("START SLAVE",)),
]


@pytest.mark.parametrize(("step", "statements"), STEPS, ids=lambda value: type(value).__name__)
def test_every_step_has_its_statements(step: Step, statements: tuple[str, ...]) -> None:
    assert DIALECT.format_statements(step) == statements


def test_an_account_can_require_tls() -> None:
    create, *_ = DIALECT.format_statements(CreateAccount(REPLICATOR, PASSWORD, require_tls=True))

    assert create.endswith(f"REQUIRE SSL{NO_LIMITS}")


def test_a_channel_uses_gtids_and_sets_every_tls_option() -> None:
    (statement,) = DIALECT.format_statements(POINT)

    assert statement.startswith("CHANGE MASTER TO MASTER_HOST = '10.0.0.7', MASTER_PORT = 3306,")
    assert "MASTER_USE_GTID = slave_pos" in statement
    assert "MASTER_SSL = 0, MASTER_SSL_CA = '', MASTER_SSL_VERIFY_SERVER_CERT = 0" in statement
    for option in ("CAPATH", "CERT", "KEY", "CIPHER", "CRL", "CRLPATH"):
        assert f"MASTER_SSL_{option} = ''" in statement


def test_a_channel_over_tls_sets_its_ca() -> None:
    step = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD, tls=True, tls_ca="/ca.pem", tls_verify=True)

    (statement,) = DIALECT.format_statements(step)

    assert "MASTER_SSL = 1, MASTER_SSL_CA = '/ca.pem', MASTER_SSL_VERIFY_SERVER_CERT = 1" in statement


@pytest.mark.parametrize(
    "step", [CreateAccount(REPLICATOR, PASSWORD), SetPassword(REPLICATOR, PASSWORD), POINT]
)
def test_no_statement_shows_its_secret(step: Step) -> None:
    shown = " ".join(DIALECT.format_statements(step))

    assert "hunter2" not in shown
    assert hash_password(PASSWORD).reveal() not in shown
    assert "hunter2" not in repr(build_statements(step))


def test_an_account_is_created_from_a_hash() -> None:
    revealed = " ".join(
        statement.reveal() for statement in build_statements(CreateAccount(REPLICATOR, PASSWORD))
    )

    assert "hunter2" not in revealed
    assert hash_password(PASSWORD).reveal() in revealed


def test_a_template_function_is_shown_by_its_name() -> None:
    password = UnresolvedFunction("MasterKey0000.SecretAccessKey", "{}")
    step = PointChannel(UnresolvedFunction("Master0000.PrivateIp", "{}"), 3306, "slave0000", password)

    (statement,) = DIALECT.format_statements(step)
    create, *_ = DIALECT.format_statements(CreateAccount(REPLICATOR, password))

    assert "MASTER_HOST = '<Master0000.PrivateIp>'" in statement
    assert "USING '<MasterKey0000.SecretAccessKey>'" in create


@pytest.mark.parametrize(
    ("network", "pattern"),
    [
        (None, "%"),
        ("0.0.0.0/0", "%"),
        ("10.0.0.0/24", "10.0.0.0/255.255.255.0"),
        ("10.128.0.0/9", "10.128.0.0/255.128.0.0"),
        ("10.0.0.7/32", "10.0.0.7"),
    ],
)
def test_a_network_is_written_as_a_host_pattern(network: str | None, pattern: str) -> None:
    assert DIALECT.list_host_patterns(network) == (pattern,)


@pytest.mark.parametrize("network", ["fd00::/64", "fd00::/60", "10.0.0.1/24", "somewhere"])
def test_a_network_without_a_host_pattern_is_rejected(network: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        DIALECT.list_host_patterns(network)


def test_a_stored_hash_verifies_its_password() -> None:
    stored = Secret("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19")

    assert DIALECT.verify_password("mysql_native_password", stored, Secret("password"))
    assert DIALECT.verify_password(
        "mysql_native_password", Secret(stored.reveal().lower()), Secret("password")
    )
    assert not DIALECT.verify_password("mysql_native_password", stored, Secret("Password"))


@pytest.mark.parametrize("plugin", ["ed25519", "unix_socket", "mysql_native_password or another", ""])
def test_a_hash_of_another_plugin_verifies_nothing(plugin: str) -> None:
    assert not DIALECT.verify_password(plugin, hash_password(PASSWORD), PASSWORD)


@given(st.text(), st.text())
def test_only_the_same_password_is_verified(one: str, other: str) -> None:
    proof = hash_password(Secret(one))

    assert DIALECT.verify_password("mysql_native_password", proof, Secret(other)) == (one == other)


def test_a_text_that_is_not_valid_unicode_verifies_no_other_password() -> None:
    assert not DIALECT.verify_password("mysql_native_password", hash_password(Secret("\ud800")), Secret("?"))
