"""The texts of the steps, as a dry run and the log show them."""

import pytest

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.state import Account
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    LoadClonePlugin,
    PointChannel,
    RecordPosition,
    RemakeAccount,
    SetDemand,
    SetPassword,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    StartChannel,
    Step,
    StopChannel,
)
from guestagent.secret import Secret

ACCOUNT, PASSWORD, HASH = Account("slave0000", "%"), Secret("pw"), Secret("*0")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (SetServerId(7), "set the server id to 7"),
        (SetReadOnly(True), "make the server read-only"),
        (SetReadOnly(False), "make the server writable"),
        (CreateMarker(), "create the agent's marker"),
        (CreateAccount(ACCOUNT, PASSWORD), "create the replication account slave0000@%"),
        (RemakeAccount(ACCOUNT, PASSWORD), "make the replication account slave0000@% again"),
        (SetPassword(ACCOUNT, PASSWORD), "set the password of slave0000@%"),
        (SetPassword(ACCOUNT, PASSWORD, current_hash=HASH), "set the password of slave0000@%, and retain"),
        (SetPassword(ACCOUNT, PASSWORD, kept_hash=HASH), "set the password of slave0000@%, and keep"),
        (SetDemand(ACCOUNT, require_tls=False), "have slave0000@% demand no TLS"),
        (DiscardPassword(ACCOUNT, HASH), "discard the retained password of slave0000@%"),
        (SetPrivileges(ACCOUNT), "grant the replication account slave0000@% exactly its privileges"),
        (
            CreateAccount(ACCOUNT, PASSWORD, purpose=AccountPurpose.CLONE),
            "create the donor account slave0000@%",
        ),
        (
            CreateAccount(ACCOUNT, PASSWORD, purpose=AccountPurpose.DUMP),
            "create the donor account slave0000@%",
        ),
        (
            RemakeAccount(ACCOUNT, PASSWORD, purpose=AccountPurpose.VERIFICATION),
            "make the verification account slave0000@% again",
        ),
        (LoadClonePlugin(), "load the clone plugin"),
        (DropAccount(ACCOUNT), "drop the account slave0000@%"),
        (StopChannel(), "stop the channel"),
        (PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD), "point the channel at 10.0.0.7:3306"),
        (RecordPosition("0-7-5", "0-7-5"), "record 0-7-5 as applied"),
        (StartChannel(), "start the channel"),
    ],
)
def test_a_step_has_a_text_without_its_secrets(step: Step, text: str) -> None:
    assert str(step).startswith(text)
    assert "pw" not in str(step)
