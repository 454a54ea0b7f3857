"""The conditions of a source: its binary log, access, replicas and accounts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.account_drift import (
    has_copy_note,
    has_desired_encryption,
    has_desired_password,
    has_exact_privileges,
    has_unknown_password,
)
from guestagent.agent.account_ownership import has_account_conflict
from guestagent.agent.account_steps import find_unlogged_accounts
from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState
from guestagent.agent.skipped_changes import judge_managed_settings
from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.error_diagnosis import FailureStage
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import EXPIRED_SUFFIX, AccountState, ServerError, ServerState

REPLICA_IDS = "server ids of replicas"
CLONE_PLUGIN = "clone plugin"


def judge_source(
    desired: DesiredState, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> Iterator[Condition]:
    """Judge the conditions of a source."""
    server = observed.server
    yield Condition.compare("binary log", "on", "on" if server.binary_log else "off")
    yield Condition.compare("access", "writable", describe_access(server))
    yield _judge_replica_ids(desired, server)
    yield from judge_managed_settings(server)
    for account in desired.accounts:
        yield _judge_account(account, observed, memory, dialect)
    if desired.needs_clone_plugin:
        yield judge_clone_plugin(server)


def describe_access(server: ServerState) -> str:
    """Describe who may write to the server."""
    if server.is_restricted:
        return "read-only, but not for administrators"
    return "read-only" if server.read_only else "writable"


def _judge_replica_ids(desired: DesiredState, server: ServerState) -> Condition:
    """Two replicas with one id disconnect each other without an error. Only the source can see it."""
    ids = server.replica_ids
    duplicates = sorted({i for i in ids if ids.count(i) > 1 or i == desired.server_id})
    if not duplicates:
        return Condition(REPLICA_IDS, ConditionState.HELD, "each once", "each once")
    actual = f"more than once: {', '.join(map(str, duplicates))}"
    advice = "give each node its own GuestAgent.ServerId"
    return Condition(REPLICA_IDS, ConditionState.FINAL, "each once", actual, advice)


def judge_clone_plugin(server: ServerState) -> Condition:
    """Judge the plugin with which a source is the donor of a CLONE."""
    status = server.clone_plugin.lower() or "not loaded"
    if status == "active":
        return Condition(CLONE_PLUGIN, ConditionState.HELD, "active", status)
    advice = "does the image have mysql_clone.so, and does no option file disable the plugin?"
    return Condition(CLONE_PLUGIN, ConditionState.PENDING, "active", status, advice)


def name_account(desired: DesiredAccount) -> str:
    """Return the name of an account's condition, with its purpose unless that is replication."""
    is_replication = desired.purpose is AccountPurpose.REPLICATION
    return f"account {desired.account}" if is_replication else f"{desired.purpose} account {desired.account}"


def _judge_account(
    desired: DesiredAccount, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> Condition:
    name, server = name_account(desired), observed.server
    requirement = (
        f"exactly {', '.join(sorted(dialect.get_privileges(desired.purpose)))}, with the wanted password"
    )
    account = server.find_account(desired.account)
    if account is None:
        return Condition(name, ConditionState.PENDING, requirement, "no such account")
    if desired.account in find_unlogged_accounts(memory, dialect):
        actual = "one that may not be in the binary log: the work on it was interrupted"
        return Condition(name, ConditionState.PENDING, requirement, actual)
    if has_account_conflict(desired, server, memory, dialect):
        advice = "it is left alone: drop it, or choose another name"
        actual = "an account of this name that the agent did not create"
        return Condition(name, ConditionState.FINAL, requirement, actual, advice)
    if defect := _find_password_defect(desired, account, memory, dialect):
        return Condition(name, ConditionState.PENDING, requirement, defect)
    if not has_desired_encryption(desired, account):
        expected = _describe_encryption(desired.requires_tls, desired.requires_certificate)
        actual = _describe_encryption(account.requires_tls, account.requires_certificate)
        return Condition(name, ConditionState.PENDING, expected, actual)
    if defect := _find_privilege_defect(desired, account, dialect):
        return Condition(name, ConditionState.PENDING, requirement, defect)
    if not has_copy_note(desired, account, server):
        return Condition(
            name, ConditionState.PENDING, str(server.copy_note), str(account.copy_note or "no note")
        )
    if account.is_locked:
        advice = "unlock it: ALTER USER .. ACCOUNT UNLOCK"
        return Condition(name, ConditionState.FINAL, requirement, "a locked account", advice)
    login_error = observed.login_errors.get(desired.account)
    if login_error is not None:
        return _judge_login(name, login_error, dialect)
    retained = (
        "" if account.retained_hash is None else "; the old password is valid too, until a later generation"
    )
    return Condition(name, ConditionState.HELD, requirement, f"{requirement}{retained}")


def _find_password_defect(
    desired: DesiredAccount, account: AccountState, memory: JournalState, dialect: SqlDialect
) -> str:
    if account.plugin.endswith(EXPIRED_SUFFIX):
        return "an expired password"
    if not has_desired_password(desired, account, dialect):
        return "another password"
    return (
        "a second password, which the agent did not retain" if has_unknown_password(account, memory) else ""
    )


def _find_privilege_defect(desired: DesiredAccount, account: AccountState, dialect: SqlDialect) -> str:
    if account.is_limited and account.is_marked:
        return "an account that may expire, be locked or reach a limit"
    if has_exact_privileges(desired, account, dialect):
        return ""
    more = " and more" if account.has_other_privileges else ""
    return f"{', '.join(sorted(account.privileges)) or 'no privilege'}{more}"


def _judge_login(name: str, error: ServerError, dialect: SqlDialect) -> Condition:
    advice = dialect.diagnose_error(error, FailureStage.CONNECTING).advice
    return Condition(name, ConditionState.PENDING, "a login over TCP", str(error), advice)


def _describe_encryption(requires_tls: bool, requires_certificate: bool) -> str:
    requirement = "a certificate" if requires_certificate else "TLS" if requires_tls else "no TLS"
    return f"one that demands {requirement}"
