"""Channels with names: rejected, with the settings that may have left out changes."""

from __future__ import annotations

import pytest

from guestagent.database.channel_options import FixedOption
from guestagent.database.named_channels import complete_skip_settings, reject_named_channels
from guestagent.errors import DatabaseRefused

OPTIONS = (
    FixedOption("IGNORE_SERVER_IDS", "()", "Ignored", "", can_skip_changes=True),
    FixedOption("DELAY", "0", "Delay", "0"),
)
NAMED = {"Name": "x", "Ignored": "71", "Delay": "5", "Replicate_Ignore_DB": "d"}


def reject(*rows: dict[str, str]) -> DatabaseRefused:
    with pytest.raises(DatabaseRefused, match="named channels") as raised:
        reject_named_channels("reading", rows, "Name", OPTIONS)
    return raised.value


def test_a_channel_without_a_name_is_not_rejected() -> None:
    reject_named_channels("reading", [{**NAMED, "Name": ""}], "Name", OPTIONS)


def test_the_error_has_the_settings_that_may_leave_out_changes() -> None:
    assert reject(NAMED).skip_settings == (
        "replicate_ignore_db of channel x = d",
        "IGNORE_SERVER_IDS of channel x = 71",
    )


def test_the_server_s_own_settings_count_too() -> None:
    error = complete_skip_settings(
        reject({"Name": "x"}),
        {"replica_exec_mode": "IDEMPOTENT", "binlog_format": "STATEMENT"},
        has_history=True,
    )

    assert error.skip_settings == ("replica_exec_mode = IDEMPOTENT",)


def test_a_channel_that_has_applied_nothing_has_left_out_nothing() -> None:
    assert complete_skip_settings(reject(NAMED), {}, has_history=False).skip_settings == ()


def test_another_error_has_no_settings() -> None:
    error = DatabaseRefused("reading", 1227, "access denied")

    assert complete_skip_settings(error, {"replica_exec_mode": "IDEMPOTENT"}, has_history=True) is error
