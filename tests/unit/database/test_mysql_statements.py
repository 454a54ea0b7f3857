"""MySQL's dialect: statements and password hashes. No server."""

from __future__ import annotations

import pytest

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.mysql import MysqlDialect, password_hash
from guestagent.database.mysql.statements import NO_LIMITS, build_statements
from guestagent.database.state import Account
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DropAccount,
    LoadClonePlugin,
    PointChannel,
    RemakeAccount,
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

DIALECT = MysqlDialect()
REPLICATOR = Account("slave0000", "10.0.0.0/255.255.255.0")
WHO = "'slave0000'@'10.0.0.0/255.255.255.0'"
PASSWORD = Secret("hunter2")
POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)

STEPS: list[tuple[Step, tuple[str, ...]]] = [
    (SetServerId(7), ("SET PERSIST server_id = 7",)),
    (SetReadOnly(True), ("SET PERSIST super_read_only = 1",)),
    (SetReadOnly(False), ("SET GLOBAL read_only = 0",)),
    (CreateMarker(), ("CREATE ROLE 'guestagent'@'%'",)),
    (
        CreateAccount(REPLICATOR, PASSWORD),
        (
            f"CREATE USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}'{NO_LIMITS}",
            f"GRANT REPLICATION SLAVE ON *.* TO {WHO}",
            f"GRANT 'guestagent'@'%' TO {WHO}",
        ),
    ),
    (
        SetPassword(REPLICATOR, PASSWORD),
        (
            f"ALTER USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}' REQUIRE NONE{NO_LIMITS}",
            f"ALTER USER {WHO} DISCARD OLD PASSWORD",
        ),
    ),
    (
        SetPassword(REPLICATOR, PASSWORD, require_tls=True),
        (
            f"ALTER USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}' REQUIRE SSL{NO_LIMITS}",
            f"ALTER USER {WHO} DISCARD OLD PASSWORD",
        ),
    ),
    (
        SetPassword(REPLICATOR, PASSWORD, current_hash=Secret("$A$old")),
        (
            f"ALTER USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}'"
            f" RETAIN CURRENT PASSWORD REQUIRE NONE{NO_LIMITS}",
        ),
    ),
    (
        SetPassword(REPLICATOR, PASSWORD, kept_hash=Secret("$A$old")),
        (f"ALTER USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}' REQUIRE NONE{NO_LIMITS}",),
    ),
    (
        SetPrivileges(REPLICATOR),
        (
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {WHO}",
            f"GRANT REPLICATION SLAVE ON *.* TO {WHO}",
            f"GRANT 'guestagent'@'%' TO {WHO}",
        ),
    ),
    (
        CreateAccount(REPLICATOR, PASSWORD, purpose=AccountPurpose.CLONE),
        (
            f"CREATE USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}'{NO_LIMITS}",
            f"GRANT BACKUP_ADMIN ON *.* TO {WHO}",
            f"GRANT 'guestagent'@'%' TO {WHO}",
        ),
    ),
    (
        SetPrivileges(REPLICATOR, AccountPurpose.DUMP),
        (
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {WHO}",
            f"GRANT EVENT, FLUSH_TABLES, SELECT, SHOW VIEW, TRIGGER ON *.* TO {WHO}",
            f"GRANT 'guestagent'@'%' TO {WHO}",
        ),
    ),
    (
        RemakeAccount(REPLICATOR, PASSWORD, purpose=AccountPurpose.VERIFICATION),
        (
            f"DROP USER IF EXISTS {WHO}",
            f"CREATE USER {WHO} IDENTIFIED WITH caching_sha2_password AS '{MASK}'{NO_LIMITS}",
            f"GRANT SELECT, SHOW VIEW ON *.* TO {WHO}",
            f"GRANT 'guestagent'@'%' TO {WHO}",
        ),
    ),
    (DropAccount(REPLICATOR), (f"DROP USER {WHO}",)),
    (LoadClonePlugin(), ("INSTALL PLUGIN clone SONAME 'mysql_clone.so'",)),
    (StopChannel(), ("STOP REPLICA",)),
    (StartChannel(), ("START REPLICA",)),
]


@pytest.mark.parametrize(("step", "statements"), STEPS, ids=lambda value: type(value).__name__)
def test_every_step_has_its_statements(step: Step, statements: tuple[str, ...]) -> None:
    assert DIALECT.format_statements(step) == statements


def test_a_channel_uses_gtids_retries_without_limit_and_sets_every_tls_option() -> None:
    (statement,) = DIALECT.format_statements(POINT)

    assert statement.startswith("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.0.0.7', SOURCE_PORT = 3306,")
    assert "SOURCE_AUTO_POSITION = 1" in statement
    assert "SOURCE_RETRY_COUNT = 0" in statement
    assert "SOURCE_SSL = 0, SOURCE_SSL_CA = '', SOURCE_SSL_VERIFY_SERVER_CERT = 0" in statement
    for option in ("CAPATH", "CERT", "KEY", "CIPHER", "CRL", "CRLPATH"):
        assert f"SOURCE_SSL_{option} = ''" in statement


@pytest.mark.parametrize(("tls", "requests_key"), [(False, 1), (True, 0)])
def test_only_a_channel_without_tls_requests_the_public_key(tls: bool, requests_key: int) -> None:
    step = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD, tls=tls, tls_ca="/ca.pem", tls_verify=True)

    (statement,) = DIALECT.format_statements(step)

    assert f"GET_SOURCE_PUBLIC_KEY = {requests_key}" in statement
    assert ("SOURCE_SSL_CA = '/ca.pem', SOURCE_SSL_VERIFY_SERVER_CERT = 1" in statement) is tls


@pytest.mark.parametrize("step", [CreateAccount(REPLICATOR, PASSWORD), SetPassword(REPLICATOR, PASSWORD)])
def test_an_account_gets_a_hash_that_is_never_shown(step: Step) -> None:
    shown = f"{DIALECT.format_statements(step)} {build_statements(step)!r}"
    revealed = " ".join(statement.reveal() for statement in build_statements(step))

    assert "hunter2" not in shown + revealed
    assert "$A$" not in shown
    assert "AS '$A$00A$" in revealed


def test_a_dry_run_masks_the_channels_password() -> None:
    assert "hunter2" not in f"{DIALECT.format_statements(POINT)} {build_statements(POINT)!r}"


def test_a_template_function_is_shown_by_its_name() -> None:
    password = UnresolvedFunction("MasterKey0000.SecretAccessKey", "{}")
    step = PointChannel(UnresolvedFunction("Master0000.PrivateIp", "{}"), 3306, "slave0000", password)

    (statement,) = DIALECT.format_statements(step)
    create, *_ = DIALECT.format_statements(CreateAccount(REPLICATOR, password))

    assert "SOURCE_HOST = '<Master0000.PrivateIp>'" in statement
    assert "AS '<MasterKey0000.SecretAccessKey>'" in create


@pytest.mark.parametrize(
    ("network", "pattern"),
    [(None, "%"), ("0.0.0.0/0", "%"), ("10.0.0.0/24", "10.0.0.0/255.255.255.0"), ("10.0.0.7/32", "10.0.0.7")],
)
def test_a_network_is_written_as_a_host_pattern(network: str | None, pattern: str) -> None:
    assert DIALECT.list_host_patterns(network) == (pattern,)


@pytest.mark.parametrize(
    "plugin",
    [
        "sha256_password",
        "mysql_native_password",
        "caching_sha2_password or another",
        "caching_sha2_password, expired",
    ],
)
def test_a_hash_of_another_plugin_verifies_nothing(plugin: str) -> None:
    stored = password_hash.hash_password(PASSWORD)

    assert DIALECT.verify_password("caching_sha2_password", stored, PASSWORD)
    assert not DIALECT.verify_password(plugin, stored, PASSWORD)
