"""How MySQL spells things: the statements of every step, hosts, stored passwords. Pure, needs no server."""

from __future__ import annotations

from guestagent.database.channel_options import FixedOption, state_options
from guestagent.database.failures import Diagnosis, Place, diagnose
from guestagent.database.hosts import host_patterns
from guestagent.database.mysql import sha2
from guestagent.database.mysql.failures import RULES
from guestagent.database.sql import Statement, assignment, sql
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
from guestagent.metadata.document import Unresolved
from guestagent.secret import Secret

MARK = "guestagent"
"""The empty role that marks an account as made by the agent. It gives nothing."""

MARKER = Account(MARK, "%")
"""A role is an account here, locked and without a password."""

PLUGIN = "caching_sha2_password"
"""The one kind of password that every MySQL from 8.0 on has, and the only one of 9.0 and later."""

NO_LIMITS = (
    " WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0"
    " PASSWORD EXPIRE NEVER FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0"
)
"""What keeps an account of ours from being shut out by its age or by anybody's failed logins."""

CONNECT_RETRY = 1
"""Seconds between two attempts of the receiver. The default of 60 would outlast a node's whole deadline."""

HEARTBEAT = 2
"""Seconds of silence after which the source says that it is there; below any sensible replica_net_timeout."""


FIXED_OPTIONS = (
    FixedOption("SOURCE_BIND", "''", "Source_Bind", ""),
    FixedOption("SOURCE_CONNECT_RETRY", str(CONNECT_RETRY), "Connect_Retry", str(CONNECT_RETRY)),
    # For ever: the default of 10 attempts would end it.
    FixedOption("SOURCE_RETRY_COUNT", "0", "Source_Retry_Count", "0"),
    FixedOption("SOURCE_HEARTBEAT_PERIOD", str(HEARTBEAT), "HEARTBEAT_INTERVAL", f"{HEARTBEAT}.000"),
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
    FixedOption("IGNORE_SERVER_IDS", "()", "Replicate_Ignore_Server_Ids", "", skips=True),
    FixedOption("GTID_ONLY", "0", "GTID_ONLY", "0", since=80027),
)
"""The manual's options that are neither of the way to the source (host, account, TLS) nor of its position."""


class MysqlDialect:
    """MySQL from 8.0.23 on: the first that says SOURCE and REPLICA everywhere."""

    family = "mysql"
    plugin = PLUGIN
    atomic_accounts = True

    def statements(self, step: Step) -> tuple[str, ...]:
        return tuple(str(statement) for statement in script(step))

    def host_patterns(self, network: str | None) -> tuple[str, ...]:
        """MySQL knows CIDR of IPv4 too, but shows it as it was written: a mask is what both families understand."""
        return host_patterns(network)

    def proves(self, plugin: str, proof: Secret, password: Secret) -> bool:
        """Only of the kind that we make: what another plugin stores is not ours to recompute."""
        return plugin == PLUGIN and sha2.of(proof, password)

    def diagnose(self, error: ServerError, place: Place) -> Diagnosis:
        return diagnose(error, place, RULES)


def script(step: Step) -> tuple[Statement, ...]:
    """The statements of a step. A cut between any two of them leaves what a later pass completes."""
    match step:
        case SetServerId(server_id):
            # Kept over a restart: the receiver starts with the server, before any agent can say who it is.
            return (sql("SET PERSIST server_id = {}", server_id),)
        case SetReadOnly(on):
            # Only what is safe outlives a restart: a server comes up writable when the agent says so again.
            return (sql("SET PERSIST super_read_only = 1" if on else "SET GLOBAL read_only = 0"),)
        case CreateMarker(again):
            return (sql("CREATE ROLE IF NOT EXISTS {}" if again else "CREATE ROLE {}", MARKER),)
        case CreateAccount(account, password):
            # Plainly CREATE USER: IF NOT EXISTS would make somebody else's account ours.
            how = _demanded(step).removeprefix(" REQUIRE NONE")
            return (_identified("CREATE", account, password, how), *_rights(account))
        case RemakeAccount(account, password):
            created = script(CreateAccount(account, password, step.require_tls, step.require_certificate))
            return (sql("DROP USER IF EXISTS {}", account), *created)
        case SetPassword(account, password):
            if step.retained is not None:
                return (_identified("ALTER", account, password, f" RETAIN CURRENT PASSWORD{_demanded(step)}"),)
            alter = _identified("ALTER", account, password, _demanded(step))
            if step.kept is not None:
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
            return (assignment(name, value),)


def _identified(verb: str, account: Account, password: Secret | Unresolved, how: str) -> Statement:
    proof = password if isinstance(password, Unresolved) else sha2.hashed(password)
    return sql(f"{verb} USER {{}} IDENTIFIED WITH {PLUGIN} AS {{}}{how}", account, proof)


def _demanded(step: CreateAccount | SetPassword | SetDemand) -> str:
    demand = "X509" if step.require_certificate else "SSL" if step.require_tls else "NONE"
    return f" REQUIRE {demand}{NO_LIMITS}"


def _rights(account: Account) -> tuple[Statement, ...]:
    """The mark comes last: a marked account is a finished one."""
    return (sql("GRANT REPLICATION SLAVE ON *.* TO {}", account), sql("GRANT {} TO {}", MARKER, account))


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
        + state_options(FIXED_OPTIONS),
        step.host,
        step.port,
        step.user,
        step.password,
        not step.options.on,
        step.options.on,
        step.options.ca,
        step.options.verify,
        step.options.certificate,
        step.options.key,
    )
