"""The line of `guestagent status` about signal delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from guestagent.agent import metadata_files
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.settings import Settings, load_settings
from guestagent.agent.signal_status import describe_signal
from guestagent.agent.signalling import format_delivery
from guestagent.errors import InvalidSettings
from guestagent.metadata.document import Handle
from guestagent.signal import Delivery, DeliveryResult, Spool, SpoolEntry
from tests.support.signal_handles import (
    SIGNATURE,
    URL,
    add_minutes,
    build_account_handle,
    build_cfn_handle,
    build_success,
)

EXPIRES = (
    "the handle's URL expires in 10 min, at 2026-11-23T18:15:00+00:00 (signal.auth_ttl after it was signed)"
)
NODE = {"Version": 1, "Node": "node", "Generation": 1}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    empty = tmp_path / "guestagent.conf"
    empty.write_text("")
    return replace(load_settings(empty), state_folder=tmp_path, collector_cache=tmp_path / "cache")


def get_today() -> datetime:
    return add_minutes(5)


def write_document(settings: Settings, handle: object = URL, section: Mapping[str, object] = NODE) -> None:
    document = {"ReadyWaitCondition": handle, "GuestAgent": section}
    metadata_files.store_document(
        settings.state_folder,
        CollectedDocument.from_document(document, Path("os-collect-config.json"), "now"),
    )


def build_spool_entry(handle: Handle) -> SpoolEntry:
    return SpoolEntry(handle, "node-1", build_success())


def test_the_description_is_empty_before_there_is_metadata(settings: Settings) -> None:
    assert describe_signal(settings, today=get_today) == ""


def test_an_expiry_is_described_before_anything_was_sent(settings: Settings) -> None:
    write_document(settings)

    assert describe_signal(settings, today=get_today) == f"nothing sent yet; {EXPIRES}"


def test_the_clouds_own_auth_ttl_moves_it(settings: Settings) -> None:
    write_document(settings)

    line = describe_signal(replace(settings, auth_ttl=3600), today=get_today)

    assert line.startswith("nothing sent yet; the handle's URL expires in 55 min")


def test_an_invalid_documents_handle_expires_too(settings: Settings) -> None:
    write_document(settings, section={**NODE, "Nonsense": 1})

    assert EXPIRES in describe_signal(settings, today=get_today)


@pytest.mark.parametrize("state", ["waiting", "converging", "failed"])
def test_a_success_that_is_pending_is_held_back_while_the_node_is_not_ready(
    settings: Settings, state: str
) -> None:
    write_document(settings)
    Spool(settings.state_folder).put_entry(SpoolEntry(build_cfn_handle(), "node-1", build_success()))

    line = describe_signal(settings, today=get_today, state=state)

    assert line == f"SUCCESS pending, held back until the node is ready again; {EXPIRES}"


def test_a_pending_outcome_is_described_with_its_expiry(settings: Settings) -> None:
    write_document(settings)
    Spool(settings.state_folder).put_entry(build_spool_entry(build_cfn_handle()))

    assert describe_signal(settings, today=get_today) == f"SUCCESS pending; {EXPIRES}"


def test_a_handle_that_renews_itself_never_expires(settings: Settings) -> None:
    write_document(settings, build_account_handle().document.reveal())
    assert describe_signal(settings, today=get_today) == ""

    Spool(settings.state_folder).put_entry(build_spool_entry(build_account_handle()))

    assert describe_signal(settings, today=get_today) == "SUCCESS pending"


@pytest.mark.parametrize(
    ("handle", "line"),
    [
        (build_cfn_handle(), "SUCCESS accepted at 2026-11-23T18:05:00+00:00"),
        (
            build_account_handle(),
            "SUCCESS accepted at 2026-11-23T18:05:00+00:00, not confirmed "
            "(HEAT_SIGNAL has no receipt): check the stack",
        ),
    ],
)
def test_an_acceptance_is_described_with_its_confirmation(
    settings: Settings, handle: Handle, line: str
) -> None:
    Spool(settings.state_folder, get_now=get_today).mark_accepted(build_spool_entry(handle))

    assert describe_signal(settings, today=get_today) == line


def test_an_abandoned_outcome_is_described_with_the_reason(settings: Settings) -> None:
    Spool(settings.state_folder, get_now=get_today).mark_given_up(
        build_spool_entry(build_cfn_handle()), "heat.test answers 404"
    )

    assert describe_signal(settings) == "SUCCESS given up at 2026-11-23T18:05:00+00:00: heat.test answers 404"


def test_the_acceptance_of_an_older_generation_is_ignored(settings: Settings) -> None:
    Spool(settings.state_folder).mark_accepted(build_spool_entry(build_cfn_handle()))
    write_document(settings, section={**NODE, "Generation": 2})

    assert describe_signal(settings, today=get_today).startswith("nothing sent yet; ")


def test_no_line_holds_a_credential(settings: Settings) -> None:
    write_document(settings)
    Spool(settings.state_folder).put_entry(build_spool_entry(build_cfn_handle()))

    assert SIGNATURE not in describe_signal(settings, today=get_today)


def test_the_log_names_an_unconfirmed_delivery() -> None:
    assert format_delivery(build_success(), Delivery(DeliveryResult.ACCEPTED)) == "signal SUCCESS: accepted"
    assert (
        format_delivery(build_success(), Delivery(DeliveryResult.ACCEPTED, is_confirmed=False))
        == "signal SUCCESS: accepted, not confirmed"
    )


def test_an_auth_ttl_is_in_seconds_and_positive(tmp_path: Path) -> None:
    file = tmp_path / "guestagent.conf"
    file.write_text("[signal]\nauth_ttl = 1800\n")
    assert load_settings(file).auth_ttl == 1800

    file.write_text("[signal]\nauth_ttl = 0\n")
    with pytest.raises(InvalidSettings, match="auth_ttl"):
        load_settings(file)
