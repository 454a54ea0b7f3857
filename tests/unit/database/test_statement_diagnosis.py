"""Diagnoses of rejected statements. The texts were recorded on real servers."""

from __future__ import annotations

import pytest

from guestagent.agent.conditions import judge_rejected_statement
from guestagent.agent.model import ConditionState
from guestagent.database.error_diagnosis import FailureKind
from guestagent.database.statement_diagnosis import STEP_RULES, diagnose_statement_error
from guestagent.errors import DatabaseRefused

RETRY, FAIL = FailureKind.RETRY, FailureKind.FAIL
ACL = "The ACL operation failed due to the following error from SE"
OPTION = "The server is running with the {} option so it cannot execute this statement"

RECORDED: list[tuple[int, str, FailureKind, str]] = [
    (1290, OPTION.format("--strict-password-validation"), FAIL, "rejects every hash"),
    (1290, OPTION.format("--skip-grant-tables"), FAIL, "without accounts"),
    (1290, OPTION.format("--super-read-only"), RETRY, "read-only at the same time"),
    (1290, OPTION.format("--read-only"), RETRY, "read-only at the same time"),
    (1290, OPTION.format("--innodb-read-only"), FAIL, "InnoDB takes no writes"),
    (1819, "Your password does not satisfy the current policy requirements", FAIL, "policy"),
    (1227, "Access denied; you need (at least one of) the SUPER privilege(s)", FAIL, "lacks a privilege"),
    (1142, "SELECT command denied to user 'root'@'localhost' for table 'user'", FAIL, "lacks a privilege"),
    (1045, "Access denied for user 'root'@'localhost' (using password: NO)", RETRY, "may not log in"),
    (1698, "Access denied for user 'root'@'localhost'", RETRY, "may not log in"),
    (1820, "You must SET PASSWORD before executing this statement", FAIL, "has expired"),
    (1021, "Disk full (./x); waiting for someone to free some space... (errno: 28)", RETRY, "disk is full"),
    (3, "Error writing file './binlog' (Errcode: 28 \"No space left on device\")", RETRY, "disk is full"),
    (3501, f"{ACL}: errcode 28 - No space left on device", RETRY, "disk is full"),
    (3501, f"{ACL}: errcode 165 - Table is read only", FAIL, "takes no writes"),
    (1026, "Error writing file 'x' (errno: 5 \"Input/output error\")", RETRY, ""),
    (1205, "Lock wait timeout exceeded; try restarting transaction", RETRY, "holds a lock"),
    (
        1226,
        "User 'root' has exceeded the 'max_user_connections' resource (current value: 1)",
        RETRY,
        "limit of connections",
    ),
    (
        1126,
        "Can't open shared library '/usr/lib/mysql/plugin/mysql_clone.so' (errno: 2)",
        FAIL,
        "no clone plugin",
    ),
    (1125, "Function 'clone' already exists", RETRY, "loaded the plugin"),
    (1524, "Plugin 'ed25519' is not loaded", FAIL, "not loaded"),
    (1146, "Table 'mysql.roles_mapping' doesn't exist", FAIL, "own tables"),
    (1777, "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 1 cannot be executed", FAIL, "GTIDs are off"),
    (
        0,
        "it has named channels (a, b): only one channel, without a name, is supported",
        FAIL,
        "several channels",
    ),
    (3079, "Multiple channels exist on the replica.", FAIL, "several channels"),
    (1792, "Cannot execute statement in a READ ONLY transaction", RETRY, "read-only"),
    (1969, "Query execution was interrupted (max_statement_time exceeded)", RETRY, "was interrupted"),
    (1396, "Operation CREATE USER failed for 'slave0000'@'%'", RETRY, "changes accounts"),
    (9999, "something new", RETRY, ""),
]


@pytest.mark.parametrize(("number", "text", "kind", "meaning"), RECORDED)
def test_an_error_of_a_step_is_diagnosed(number: int, text: str, kind: FailureKind, meaning: str) -> None:
    diagnosis = diagnose_statement_error(DatabaseRefused("creating", number, text))

    assert (diagnosis.kind, meaning in diagnosis.meaning) == (kind, True), diagnosis


def test_a_permanent_error_is_final_and_has_advice() -> None:
    final = judge_rejected_statement(
        DatabaseRefused("create the account", 1290, OPTION.format("--strict-password-validation"))
    )
    pending = judge_rejected_statement(
        DatabaseRefused("create the account", 1205, "Lock wait timeout exceeded")
    )

    assert (final.state, pending.state) == (ConditionState.FINAL, ConditionState.PENDING)
    assert final.actual.startswith(
        "create the account: the server returned error 1290: The server is running with"
    )
    assert final.advice == "set strict_password_validation = OFF, or remove the plugin that checks passwords"
    assert "SHOW PROCESSLIST" in pending.advice


def test_every_permanent_rule_has_advice() -> None:
    rules = [rule for stage_rules in STEP_RULES.values() for rule in stage_rules]

    assert [rule for rule in rules if rule.diagnosis.kind is FAIL and not rule.diagnosis.advice] == []


def test_no_rule_hides_a_later_one() -> None:
    general: set[int] = set()
    for rule in next(iter(STEP_RULES.values())):
        assert not (rule.numbers & general), rule
        if not rule.text:
            general |= rule.numbers
