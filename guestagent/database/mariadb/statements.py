"""MariaDB's dialect: the statements of all steps, host names and password hashes. Pure."""

from __future__ import annotations

from guestagent.database.account_hosts import list_host_patterns
from guestagent.database.account_marker import MARKER_ROLE
from guestagent.database.account_purpose import (
    DUMP_PRIVILEGES,
    REPLICATION_PRIVILEGES,
    VERIFICATION_PRIVILEGES,
    AccountPurpose,
)
from guestagent.database.channel_options import format_options
from guestagent.database.error_diagnosis import Diagnosis, FailureStage, diagnose_error
from guestagent.database.mariadb.channel_options import FIXED_OPTIONS
from guestagent.database.mariadb.diagnosis import RULES
from guestagent.database.mariadb.password_hash import hash_password, verify_password
from guestagent.database.sql_statement import Statement, build_grant, build_set_global, sql
from guestagent.database.state import Account, ServerError
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    LoadClonePlugin,
    PointChannel,
    RecordPosition,
    RemakeAccount,
    SetCopyNote,
    SetDemand,
    SetPassword,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    SetVariable,
    StartChannel,
    Step,
    StopChannel,
)
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret

AUTH_PLUGIN = "mysql_native_password"
"""The password plugin with which any MariaDB, as Debian packages it, can replicate from any other."""

NO_LIMITS = (
    " WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0"
    " PASSWORD EXPIRE NEVER"
)
"""Settings that keep an account from being locked out by its age or by failed logins."""


PRIVILEGES = {
    AccountPurpose.REPLICATION: REPLICATION_PRIVILEGES,
    AccountPurpose.CLONE: frozenset[str](),  # MariaDB has no CLONE
    AccountPurpose.DUMP: DUMP_PRIVILEGES,
    AccountPurpose.VERIFICATION: VERIFICATION_PRIVILEGES,
}


class MariadbDialect:
    """MariaDB from 10.6 on."""

    family = "mariadb"
    plugin = AUTH_PLUGIN
    has_atomic_accounts = False

    def format_statements(self, step: Step) -> tuple[str, ...]:
        return tuple(str(statement) for statement in build_statements(step))

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        """Return host names with a mask for IPv4: MariaDB does not accept CIDR."""
        return list_host_patterns(network)

    def get_privileges(self, purpose: AccountPurpose) -> frozenset[str]:
        return PRIVILEGES[purpose]

    def verify_password(self, plugin: str, stored_hash: Secret, password: Secret) -> bool:
        """Verify only passwords of the plugin that the agent uses."""
        return plugin == AUTH_PLUGIN and verify_password(stored_hash, password)

    def diagnose_error(self, error: ServerError, stage: FailureStage) -> Diagnosis:
        return diagnose_error(error, stage, RULES)


def build_statements(step: Step) -> tuple[Statement, ...]:
    """Build the statements of a step. If it is interrupted between two of them, a later pass completes it."""
    match step:
        case SetServerId(server_id):
            return (sql("SET GLOBAL server_id = {}", server_id),)
        case SetReadOnly(is_read_only):
            return (sql("SET GLOBAL read_only = {}", is_read_only),)
        case CreateMarker(if_not_exists):
            return (sql("CREATE ROLE IF NOT EXISTS {}" if if_not_exists else "CREATE ROLE {}", MARKER_ROLE),)
        case CreateAccount() | RemakeAccount() | SetPassword() | SetDemand() | DiscardPassword():
            return _build_account_statements(step)
        case SetPrivileges(account, purpose):
            return (
                sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}", account),
                *_build_grants(account, purpose),
            )
        case DropAccount(account, if_exists):
            # IF EXISTS is logged even if there is no such account.
            return (sql("DROP USER IF EXISTS {}" if if_exists else "DROP USER {}", account),)
        case LoadClonePlugin() | SetCopyNote():
            return ()  # MariaDB cannot be cloned
        case StopChannel():
            return (sql("STOP SLAVE"),)
        case PointChannel():
            return (_change_master(step),)
        case RecordPosition(_, position):
            return (sql("SET GLOBAL gtid_slave_pos = {}", position),)
        case StartChannel():
            return (sql("START SLAVE"),)
        case SetVariable(name, value):
            return (build_set_global(name, value),)


def _build_account_statements(
    step: CreateAccount | RemakeAccount | SetPassword | SetDemand | DiscardPassword,
) -> tuple[Statement, ...]:
    """Build the statements. ALTER USER replaces all passwords, and keeps the REQUIRE clause if it has none."""
    identification = f"IDENTIFIED VIA {AUTH_PLUGIN} USING {{}}"
    match step:
        case CreateAccount(account, password):
            # No IF NOT EXISTS or OR REPLACE: that would take over an account that the agent did not create.
            options = _format_requirements(step).removeprefix(" REQUIRE NONE")
            return (
                sql(f"CREATE USER {{}} {identification}{options}", account, _hash_password(password)),
                *_build_grants(account, step.purpose),
            )
        case RemakeAccount(account, password):
            options = _format_requirements(step).removeprefix(" REQUIRE NONE")
            hashes = (
                _hash_password(password),
                *(() if step.retained_hash is None else (step.retained_hash,)),
            )
            identifications = identification + f" OR {AUTH_PLUGIN} USING {{}}" * (len(hashes) - 1)
            return (
                sql(f"CREATE OR REPLACE USER {{}} {identifications}{options}", account, *hashes),
                *_build_grants(account, step.purpose),
            )
        case SetPassword(account, password):
            if step.retained_hash is None:
                return (
                    sql(
                        f"ALTER USER {{}} {identification}{_format_requirements(step)}",
                        account,
                        _hash_password(password),
                    ),
                )
            identifications = f"{identification} OR {AUTH_PLUGIN} USING {{}}"
            return (
                sql(
                    f"ALTER USER {{}} {identifications}{_format_requirements(step)}",
                    account,
                    _hash_password(password),
                    step.retained_hash,
                ),
            )
        case SetDemand(account):
            return (sql(f"ALTER USER {{}}{_format_requirements(step)}", account),)
        case DiscardPassword(account, current_hash):
            return (sql(f"ALTER USER {{}} {identification}", account, current_hash),)


def _format_requirements(step: CreateAccount | RemakeAccount | SetPassword | SetDemand) -> str:
    requirement = "X509" if step.require_certificate else "SSL" if step.require_tls else "NONE"
    return f" REQUIRE {requirement}{NO_LIMITS}"


def _hash_password(password: Secret | UnresolvedFunction) -> Secret | UnresolvedFunction:
    return password if isinstance(password, UnresolvedFunction) else hash_password(password)


def _build_grants(account: Account, purpose: AccountPurpose) -> tuple[Statement, ...]:
    """Build the grants. The marker comes last: a marked account is complete."""
    return (build_grant(account, PRIVILEGES[purpose]), sql("GRANT {} TO {}", MARKER_ROLE, account))


def _change_master(step: PointChannel) -> Statement:
    """Build a CHANGE with every option: RESET SLAVE ALL keeps some of the previous CHANGE."""
    return sql(
        "CHANGE MASTER TO MASTER_HOST = {}, MASTER_PORT = {}, MASTER_USER = {}, MASTER_PASSWORD = {},"
        " MASTER_USE_GTID = slave_pos,"
        " MASTER_SSL = {}, MASTER_SSL_CA = {}, MASTER_SSL_VERIFY_SERVER_CERT = {},"
        " MASTER_SSL_CERT = {}, MASTER_SSL_KEY = {},"
        " MASTER_SSL_CAPATH = '', MASTER_SSL_CIPHER = '', MASTER_SSL_CRL = '', MASTER_SSL_CRLPATH = ''"
        + format_options(FIXED_OPTIONS),
        step.host,
        step.port,
        step.user,
        step.password,
        step.tls_options.is_enabled,
        step.tls_options.ca,
        step.tls_options.verify,
        step.tls_options.certificate,
        step.tls_options.key,
    )
