"""Statements of earlier sessions: which ones count, and what is shown of them."""

from __future__ import annotations

import pytest

from guestagent.database.mariadb import statements as mariadb
from guestagent.database.mysql import statements as mysql
from guestagent.database.pending_statement import (
    STEP_PREFIXES,
    PendingStatement,
    is_channel_statement,
    shorten_statement,
)
from guestagent.database.state import Account
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
from guestagent.secret import Secret

ACCOUNT, PASSWORD = Account("slave0000", "%"), Secret("correct horse")
STEPS: tuple[Step, ...] = (
    SetServerId(7),
    SetReadOnly(True),
    SetReadOnly(False),
    CreateMarker(),
    CreateMarker(if_not_exists=True),
    CreateAccount(ACCOUNT, PASSWORD),
    RemakeAccount(ACCOUNT, PASSWORD),
    SetPassword(ACCOUNT, PASSWORD),
    SetDemand(ACCOUNT, require_tls=True),
    DiscardPassword(ACCOUNT, PASSWORD),
    SetPrivileges(ACCOUNT),
    DropAccount(ACCOUNT),
    StopChannel(),
    PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD),
    RecordPosition("0-1-1", "0-1-1"),
    StartChannel(),
    SetVariable("max_connections", "10"),
)


@pytest.mark.parametrize("build_statements", [mariadb.build_statements, mysql.build_statements])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_the_statements_of_every_step_are_recognized(build_statements: object, step: Step) -> None:
    assert callable(build_statements)
    for statement in build_statements(step):
        assert statement.text.startswith(tuple(f"{prefix} " for prefix in STEP_PREFIXES))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("STOP SLAVE", "STOP SLAVE"),
        ("CHANGE MASTER TO MASTER_PASSWORD = 'secret'", "CHANGE MASTER"),
        ("ALTER USER 'slave0000'@'%' IDENTIFIED BY 'secret'", "ALTER USER"),
    ],
)
def test_only_the_first_words_are_shown(text: str, name: str) -> None:
    assert shorten_statement(text) == name


def test_a_statement_on_the_channel_names_the_state_of_the_applier() -> None:
    states = ("Waiting for table metadata lock",)

    assert is_channel_statement("STOP REPLICA")
    assert not is_channel_statement("SET GLOBAL")
    assert str(PendingStatement("STOP REPLICA", "Killing replica", 9, states)) == (
        "STOP REPLICA has been running for 9 s, because the applier is busy: Waiting for table metadata lock"
    )
    assert str(PendingStatement("ALTER USER", "Waiting for backup lock", 9)) == (
        "ALTER USER has been running for 9 s: Waiting for backup lock"
    )
