"""How MariaDB spells things: the statements of every step, hosts, stored passwords. Pure, needs no server."""

from __future__ import annotations

from guestagent.database.account_hosts import list_host_patterns
from guestagent.database.channel_options import FixedOption, format_options
from guestagent.database.diagnosis import Diagnosis, FailureStage, diagnose_error
from guestagent.database.mariadb import password_hash
from guestagent.database.mariadb.diagnosis import RULES
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

AUTH_PLUGIN = "mysql_native_password"
"""The one kind of password with which every MariaDB can follow another, as Debian ships them."""

NO_LIMITS = (
    " WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0"
    " PASSWORD EXPIRE NEVER"
)
"""What keeps an account of ours from being shut out by its age or by anybody's failed logins."""

CONNECT_RETRY_S = 1
"""Seconds between two attempts of the receiver. The default of 60 would outlast a node's whole deadline."""

HEARTBEAT_INTERVAL_S = 2
"""Seconds of silence after which the source says that it is there; below any sensible slave_net_timeout."""


FIXED_OPTIONS = (
    FixedOption("MASTER_CONNECT_RETRY", str(CONNECT_RETRY_S), "Connect_Retry", str(CONNECT_RETRY_S)),
    FixedOption(
        "MASTER_HEARTBEAT_PERIOD",
        str(HEARTBEAT_INTERVAL_S),
        "Slave_heartbeat_period",
        f"{HEARTBEAT_INTERVAL_S}.000",
    ),
    FixedOption("MASTER_DELAY", "0", "SQL_Delay", "0"),
    FixedOption("IGNORE_SERVER_IDS", "()", "Replicate_Ignore_Server_Ids", "", can_skip_changes=True),
    FixedOption("DO_DOMAIN_IDS", "()", "Replicate_Do_Domain_Ids", "", can_skip_changes=True),
    FixedOption("IGNORE_DOMAIN_IDS", "()", "Replicate_Ignore_Domain_Ids", "", can_skip_changes=True),
)
"""The manual's options that are neither of the way to the source (host, account, TLS) nor of its position.

MASTER_DEMOTE_TO_SLAVE is done once and not kept.
"""


class MariadbDialect:
    """MariaDB from 10.6 on."""

    family = "mariadb"
    plugin = AUTH_PLUGIN
    has_atomic_accounts = False

    def format_statements(self, step: Step) -> tuple[str, ...]:
        return tuple(str(statement) for statement in build_statements(step))

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        """MariaDB has no CIDR: a network of IPv4 is spelled with its mask."""
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
            return (sql("SET GLOBAL server_id = {}", server_id),)
        case SetReadOnly(on):
            return (sql("SET GLOBAL read_only = {}", on),)
        case CreateMarker(again):
            return (sql("CREATE ROLE IF NOT EXISTS {}" if again else "CREATE ROLE {}", MARKER_ROLE),)
        case CreateAccount() | RemakeAccount() | SetPassword() | SetDemand() | DiscardPassword():
            return _identified(step)
        case SetPrivileges(account):
            return (sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}", account), *_rights(account))
        case DropAccount(account, again):
            # Logged even if there is nobody to drop.
            return (sql("DROP USER IF EXISTS {}" if again else "DROP USER {}", account),)
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


def _identified(
    step: CreateAccount | RemakeAccount | SetPassword | SetDemand | DiscardPassword,
) -> tuple[Statement, ...]:
    """An ALTER USER names every way in anew, and keeps what the account requires where it does not say so."""
    one = f"IDENTIFIED VIA {AUTH_PLUGIN} USING {{}}"
    match step:
        case CreateAccount(account, password):
            # Plainly CREATE USER: IF NOT EXISTS or OR REPLACE would make somebody else's account ours.
            how = _demanded(step).removeprefix(" REQUIRE NONE")
            return (sql(f"CREATE USER {{}} {one}{how}", account, _proof(password)), *_rights(account))
        case RemakeAccount(account, password):
            how = _demanded(step).removeprefix(" REQUIRE NONE")
            proofs = (_proof(password), *(() if step.retained_hash is None else (step.retained_hash,)))
            ways = one + f" OR {AUTH_PLUGIN} USING {{}}" * (len(proofs) - 1)
            return (sql(f"CREATE OR REPLACE USER {{}} {ways}{how}", account, *proofs), *_rights(account))
        case SetPassword(account, password):
            if step.retained_hash is None:
                return (sql(f"ALTER USER {{}} {one}{_demanded(step)}", account, _proof(password)),)
            both = f"{one} OR {AUTH_PLUGIN} USING {{}}"
            return (
                sql(
                    f"ALTER USER {{}} {both}{_demanded(step)}", account, _proof(password), step.retained_hash
                ),
            )
        case SetDemand(account):
            return (sql(f"ALTER USER {{}}{_demanded(step)}", account),)
        case DiscardPassword(account, proof):
            return (sql(f"ALTER USER {{}} {one}", account, proof),)


def _demanded(step: CreateAccount | RemakeAccount | SetPassword | SetDemand) -> str:
    demand = "X509" if step.require_certificate else "SSL" if step.require_tls else "NONE"
    return f" REQUIRE {demand}{NO_LIMITS}"


def _proof(password: Secret | UnresolvedFunction) -> Secret | UnresolvedFunction:
    return password if isinstance(password, UnresolvedFunction) else password_hash.hash_password(password)


def _rights(account: Account) -> tuple[Statement, ...]:
    """The mark comes last: a marked account is a finished one."""
    return (sql("GRANT REPLICATION SLAVE ON *.* TO {}", account), sql("GRANT {} TO {}", MARKER_ROLE, account))


def _change_master(step: PointChannel) -> Statement:
    """Every option each time: RESET SLAVE ALL keeps some of the CHANGE before."""
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
