"""MySQL's dialect: the statements of all steps, host names and password hashes. Needs no server."""

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
from guestagent.database.mysql.channel_options import FIXED_OPTIONS
from guestagent.database.mysql.diagnosis import RULES
from guestagent.database.mysql.password_hash import hash_password, verify_password
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

MARKER_ACCOUNT = Account(MARKER_ROLE, "%")
"""MySQL keeps a role as an account, locked and without a password."""

AUTH_PLUGIN = "caching_sha2_password"
"""The only password plugin that all versions from 8.0 on have."""

NO_LIMITS = (
    " WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0"
    " PASSWORD EXPIRE NEVER FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0"
)
"""Settings that keep an account from being locked out by its age or by failed logins."""


PRIVILEGES = {
    AccountPurpose.REPLICATION: REPLICATION_PRIVILEGES,
    AccountPurpose.CLONE: frozenset({"BACKUP_ADMIN"}),
    # mysqldump executes FLUSH TABLES, and with --no-tablespaces nothing that needs PROCESS.
    AccountPurpose.DUMP: DUMP_PRIVILEGES | {"FLUSH_TABLES"},
    AccountPurpose.VERIFICATION: VERIFICATION_PRIVILEGES,
}


class MysqlDialect:
    """MySQL from 8.0.23 on, the first version with SOURCE and REPLICA in all statements."""

    family = "mysql"
    plugin = AUTH_PLUGIN
    has_atomic_accounts = True

    def format_statements(self, step: Step) -> tuple[str, ...]:
        return tuple(str(statement) for statement in build_statements(step))

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        """Return host names with a mask, which both families understand. MySQL also accepts CIDR for IPv4."""
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
            # Persistent: after a restart the receiver starts with the server, before the agent can set the id.
            return (sql("SET PERSIST server_id = {}", server_id),)
        case SetReadOnly(is_read_only):
            # Only read-only persists: after a restart the server is writable only when the agent makes it so again.
            return (sql("SET PERSIST super_read_only = 1" if is_read_only else "SET GLOBAL read_only = 0"),)
        case CreateMarker(if_not_exists):
            return (
                sql("CREATE ROLE IF NOT EXISTS {}" if if_not_exists else "CREATE ROLE {}", MARKER_ACCOUNT),
            )
        case CreateAccount(account, password):
            # No IF NOT EXISTS: that would take over an account that the agent did not create.
            requirements = _format_requirements(step).removeprefix(" REQUIRE NONE")
            return (
                _build_identification("CREATE", account, password, requirements),
                *_build_grants(account, step.purpose),
            )
        case RemakeAccount(account, password):
            create_statements = build_statements(
                CreateAccount(account, password, step.require_tls, step.require_certificate, step.purpose)
            )
            return (sql("DROP USER IF EXISTS {}", account), *create_statements)
        case SetPassword(account, password):
            if step.current_hash is not None:
                return (
                    _build_identification(
                        "ALTER", account, password, f" RETAIN CURRENT PASSWORD{_format_requirements(step)}"
                    ),
                )
            alter = _build_identification("ALTER", account, password, _format_requirements(step))
            if step.kept_hash is not None:
                return (alter,)  # a retained password stays until it is replaced or discarded
            # Otherwise a retained old password would stay valid.
            return (alter, sql("ALTER USER {} DISCARD OLD PASSWORD", account))
        case SetDemand(account):
            return (sql(f"ALTER USER {{}}{_format_requirements(step)}", account),)
        case DiscardPassword(account):
            return (sql("ALTER USER {} DISCARD OLD PASSWORD", account),)
        case SetPrivileges(account, purpose):
            return (
                sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}", account),
                *_build_grants(account, purpose),
            )
        case SetCopyNote(account, note):
            return (sql("ALTER USER {} ATTRIBUTE {}", account, note.format_attribute()),)
        case DropAccount(account, if_exists):
            return (sql("DROP USER IF EXISTS {}" if if_exists else "DROP USER {}", account),)
        case LoadClonePlugin():
            return (sql("INSTALL PLUGIN clone SONAME 'mysql_clone.so'"),)
        case StopChannel():
            return (sql("STOP REPLICA"),)
        case PointChannel():
            return (_change_source(step),)
        case RecordPosition():
            return ()  # MySQL records every logged transaction as applied
        case StartChannel():
            return (sql("START REPLICA"),)
        case SetVariable(name, value):
            return (build_set_global(name, value),)


def _build_identification(
    verb: str, account: Account, password: Secret | UnresolvedFunction, options: str
) -> Statement:
    stored = password if isinstance(password, UnresolvedFunction) else hash_password(password)
    return sql(f"{verb} USER {{}} IDENTIFIED WITH {AUTH_PLUGIN} AS {{}}{options}", account, stored)


def _format_requirements(step: CreateAccount | SetPassword | SetDemand) -> str:
    requirement = "X509" if step.require_certificate else "SSL" if step.require_tls else "NONE"
    return f" REQUIRE {requirement}{NO_LIMITS}"


def _build_grants(account: Account, purpose: AccountPurpose) -> tuple[Statement, ...]:
    """Build the grants. The marker comes last: a marked account is complete."""
    return (
        build_grant(account, PRIVILEGES[purpose]),
        sql("GRANT {} TO {}", MARKER_ACCOUNT, account),
    )


def _change_source(step: PointChannel) -> Statement:
    """Build a CHANGE with every option: an omitted option keeps its value.

    Without TLS the replica sometimes sends the password itself, encrypted with a public key that the source sends.
    """
    return sql(
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = {}, SOURCE_PORT = {}, SOURCE_USER = {}, SOURCE_PASSWORD = {},"
        " SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = {},"
        " SOURCE_SSL = {}, SOURCE_SSL_CA = {}, SOURCE_SSL_VERIFY_SERVER_CERT = {},"
        " SOURCE_SSL_CERT = {}, SOURCE_SSL_KEY = {}, SOURCE_SSL_CAPATH = '', SOURCE_SSL_CIPHER = '',"
        " SOURCE_SSL_CRL = '', SOURCE_SSL_CRLPATH = '', SOURCE_TLS_VERSION = ''"
        + format_options(FIXED_OPTIONS),
        step.host,
        step.port,
        step.user,
        step.password,
        not step.tls_options.is_enabled,
        step.tls_options.is_enabled,
        step.tls_options.ca,
        step.tls_options.verify,
        step.tls_options.certificate,
        step.tls_options.key,
    )
