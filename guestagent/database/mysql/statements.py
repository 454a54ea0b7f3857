"""How MySQL spells things: the statements of every step, hosts, stored passwords. Pure, needs no server."""

from __future__ import annotations

from guestagent.database.account_hosts import list_host_patterns
from guestagent.database.channel_options import FixedOption, format_options
from guestagent.database.diagnosis import Diagnosis, FailureStage, diagnose_error
from guestagent.database.mysql import password_hash
from guestagent.database.mysql.diagnosis import RULES
from guestagent.database.sql_statement import Statement, build_set_global, sql
from guestagent.database.state import Account, ServerError
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    PointChannel,
    RecordPosition,
    RemakeAccount,
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

MARKER_ROLE = "guestagent"
"""The empty role that marks an account as made by the agent. It gives nothing."""

MARKER_ACCOUNT = Account(MARKER_ROLE, "%")
"""A role is an account here, locked and without a password."""

AUTH_PLUGIN = "caching_sha2_password"
"""The one kind of password that every MySQL from 8.0 on has, and the only one of 9.0 and later."""

NO_LIMITS = (
    " WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0"
    " PASSWORD EXPIRE NEVER FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0"
)
"""What keeps an account of ours from being shut out by its age or by anybody's failed logins."""

CONNECT_RETRY_S = 1
"""Seconds between two attempts of the receiver. The default of 60 would outlast a node's whole deadline."""

HEARTBEAT_INTERVAL_S = 2
"""Seconds of silence after which the source says that it is there; below any sensible replica_net_timeout."""


FIXED_OPTIONS = (
    FixedOption("SOURCE_BIND", "''", "Source_Bind", ""),
    FixedOption("SOURCE_CONNECT_RETRY", str(CONNECT_RETRY_S), "Connect_Retry", str(CONNECT_RETRY_S)),
    # For ever: the default of 10 attempts would end it.
    FixedOption("SOURCE_RETRY_COUNT", "0", "Source_Retry_Count", "0"),
    FixedOption(
        "SOURCE_HEARTBEAT_PERIOD",
        str(HEARTBEAT_INTERVAL_S),
        "HEARTBEAT_INTERVAL",
        f"{HEARTBEAT_INTERVAL_S}.000",
    ),
    FixedOption("SOURCE_DELAY", "0", "SQL_Delay", "0"),
    FixedOption("SOURCE_CONNECTION_AUTO_FAILOVER", "0", "SOURCE_CONNECTION_AUTO_FAILOVER", "0"),
    FixedOption("SOURCE_COMPRESSION_ALGORITHMS", "'uncompressed'", "COMPRESSION_ALGORITHM", "uncompressed"),
    FixedOption("SOURCE_ZSTD_COMPRESSION_LEVEL", "3", "ZSTD_COMPRESSION_LEVEL", "3"),
    FixedOption("NETWORK_NAMESPACE", "''", "Network_Namespace", ""),
    FixedOption("SOURCE_PUBLIC_KEY_PATH", "''", "Source_public_key_path", ""),
    FixedOption("SOURCE_TLS_CIPHERSUITES", "NULL", "TLS_CIPHERSUITES", None),
    FixedOption("PRIVILEGE_CHECKS_USER", "NULL", "PRIVILEGE_CHECKS_USER", None),
    FixedOption("REQUIRE_ROW_FORMAT", "0", "REQUIRE_ROW_FORMAT", "NO"),
    FixedOption("REQUIRE_TABLE_PRIMARY_KEY_CHECK", "STREAM", "REQUIRE_TABLE_PRIMARY_KEY_CHECK", "STREAM"),
    FixedOption(
        "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS", "OFF", "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS_TYPE", "OFF"
    ),
    # The server allows no other value while it counts by GTID.
    FixedOption("IGNORE_SERVER_IDS", "()", "Replicate_Ignore_Server_Ids", "", can_skip_changes=True),
    FixedOption("GTID_ONLY", "0", "GTID_ONLY", "0", min_version=80027),
)
"""The manual's options that are neither of the way to the source (host, account, TLS) nor of its position."""


class MysqlDialect:
    """MySQL from 8.0.23 on: the first that says SOURCE and REPLICA everywhere."""

    family = "mysql"
    plugin = AUTH_PLUGIN
    has_atomic_accounts = True

    def format_statements(self, step: Step) -> tuple[str, ...]:
        return tuple(str(statement) for statement in build_statements(step))

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        """MySQL knows CIDR of IPv4 too, but shows it as it was written: a mask is what both families understand."""
        return list_host_patterns(network)

    def verify_password(self, plugin: str, proof: Secret, password: Secret) -> bool:
        """Only of the kind that we make: what another plugin stores is not ours to recompute."""
        return plugin == AUTH_PLUGIN and password_hash.verify_password(proof, password)

    def diagnose_error(self, error: ServerError, stage: FailureStage) -> Diagnosis:
        return diagnose_error(error, stage, RULES)


def build_statements(step: Step) -> tuple[Statement, ...]:
    """The statements of a step. A cut between any two of them leaves what a later pass completes."""
    match step:
        case SetServerId(server_id):
            # Kept over a restart: the receiver starts with the server, before any agent can say who it is.
            return (sql("SET PERSIST server_id = {}", server_id),)
        case SetReadOnly(on):
            # Only what is safe outlives a restart: a server comes up writable when the agent says so again.
            return (sql("SET PERSIST super_read_only = 1" if on else "SET GLOBAL read_only = 0"),)
        case CreateMarker(again):
            return (sql("CREATE ROLE IF NOT EXISTS {}" if again else "CREATE ROLE {}", MARKER_ACCOUNT),)
        case CreateAccount(account, password):
            # Plainly CREATE USER: IF NOT EXISTS would make somebody else's account ours.
            how = _demanded(step).removeprefix(" REQUIRE NONE")
            return (_identified("CREATE", account, password, how), *_rights(account))
        case RemakeAccount(account, password):
            created = build_statements(
                CreateAccount(account, password, step.require_tls, step.require_certificate)
            )
            return (sql("DROP USER IF EXISTS {}", account), *created)
        case SetPassword(account, password):
            if step.current_hash is not None:
                return (
                    _identified("ALTER", account, password, f" RETAIN CURRENT PASSWORD{_demanded(step)}"),
                )
            alter = _identified("ALTER", account, password, _demanded(step))
            if step.kept_hash is not None:
                return (alter,)  # the one that is retained stays unless it is pushed out or discarded
            # An old password that somebody retained would still let in whoever knows it.
            return (alter, sql("ALTER USER {} DISCARD OLD PASSWORD", account))
        case SetDemand(account):
            return (sql(f"ALTER USER {{}}{_demanded(step)}", account),)
        case DiscardPassword(account):
            return (sql("ALTER USER {} DISCARD OLD PASSWORD", account),)
        case SetPrivileges(account):
            return (sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}", account), *_rights(account))
        case DropAccount(account, again):
            return (sql("DROP USER IF EXISTS {}" if again else "DROP USER {}", account),)
        case StopChannel():
            return (sql("STOP REPLICA"),)
        case PointChannel():
            return (_change_source(step),)
        case RecordPosition():
            return ()  # what MySQL has logged it knows as applied
        case StartChannel():
            return (sql("START REPLICA"),)
        case SetVariable(name, value):
            return (build_set_global(name, value),)


def _identified(verb: str, account: Account, password: Secret | UnresolvedFunction, how: str) -> Statement:
    proof = password if isinstance(password, UnresolvedFunction) else password_hash.hash_password(password)
    return sql(f"{verb} USER {{}} IDENTIFIED WITH {AUTH_PLUGIN} AS {{}}{how}", account, proof)


def _demanded(step: CreateAccount | SetPassword | SetDemand) -> str:
    demand = "X509" if step.require_certificate else "SSL" if step.require_tls else "NONE"
    return f" REQUIRE {demand}{NO_LIMITS}"


def _rights(account: Account) -> tuple[Statement, ...]:
    """The mark comes last: a marked account is a finished one."""
    return (
        sql("GRANT REPLICATION SLAVE ON *.* TO {}", account),
        sql("GRANT {} TO {}", MARKER_ACCOUNT, account),
    )


def _change_source(step: PointChannel) -> Statement:
    """Every option each time: what is not stated stays as it was.

    Without TLS the whole password is told once in a while, encrypted with a key that the source sends.
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
