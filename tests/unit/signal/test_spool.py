from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.metadata.document import HotHandle
from guestagent.signal import SignalTransport, SpoolEntry
from guestagent.signal.record import DeliveryRecord, SignalRecord
from guestagent.signal.spool import SPOOL_FILE
from tests.support.signal_handles import (
    ANOTHER_KEY,
    SIGNATURE,
    URL,
    build_account_handle,
    build_entry,
    build_failure,
    build_hot_handle,
    build_success,
    build_token_handle,
)
from tests.support.signal_spools import AT, NEWER, OLDER, open_spool


def test_an_empty_spool_has_no_record(tmp_path: Path) -> None:
    assert open_spool(tmp_path / "missing").read_record() is None
    assert open_spool(tmp_path / "missing").read_pending() is None


def test_the_next_process_reads_a_spooled_entry(tmp_path: Path) -> None:
    for entry in (
        build_entry(build_failure("why", lag=None)),
        SpoolEntry(build_hot_handle(alarm_url=URL), "node-1", build_success()),
    ):
        open_spool(tmp_path).put_entry(entry)

        assert open_spool(tmp_path).read_pending() == entry


@pytest.mark.parametrize(
    ("handle", "by"),
    [
        (build_account_handle(), SignalTransport.HEAT),
        (build_token_handle(), SignalTransport.TOKEN),
        (build_hot_handle(alarm_url=URL), SignalTransport.CFN),
        (build_hot_handle(), None),
    ],
)
def test_only_the_transport_of_the_handle_is_recorded(
    tmp_path: Path, handle: HotHandle, by: SignalTransport | None
) -> None:
    entry = SpoolEntry(handle, "node-1", build_success())
    open_spool(tmp_path).put_entry(entry)
    open_spool(tmp_path).mark_accepted(entry)

    record = open_spool(tmp_path).read_record()

    assert record == SignalRecord(
        entry.key, accepted=DeliveryRecord(build_success(), AT, transport=by), resource=entry.resource_key
    )
    assert SIGNATURE not in (tmp_path / SPOOL_FILE).read_text()


def test_a_delivery_in_a_record_of_the_first_version_is_confirmed(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_accepted(build_entry(build_success()))
    content = json.loads((tmp_path / SPOOL_FILE).read_text())
    del content["accepted"]["by"]
    (tmp_path / SPOOL_FILE).write_text(json.dumps(content))

    record = open_spool(tmp_path).read_record()

    assert record is not None
    assert record.accepted == DeliveryRecord(build_success(), AT)
    assert record.accepted.is_confirmed


def test_a_newer_outcome_of_the_same_handle_replaces_the_older(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_failure()))
    open_spool(tmp_path).put_entry(build_entry(build_success()))

    assert open_spool(tmp_path).read_pending() == build_entry(build_success())


def test_a_signal_of_a_newer_handle_removes_the_record_of_an_older_one(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_failure(), OLDER))
    open_spool(tmp_path).mark_accepted(build_entry(build_failure(), OLDER))
    open_spool(tmp_path).put_entry(build_entry(build_success(), OLDER))

    open_spool(tmp_path).put_entry(build_entry(build_success(), NEWER))

    newer = build_entry(build_success(), NEWER)
    assert open_spool(tmp_path).read_record() == SignalRecord(newer.key, newer, resource=newer.resource_key)
    assert open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), OLDER)) is None


def test_an_accepted_failure_is_kept_while_a_later_success_is_pending(tmp_path: Path) -> None:
    failed = build_entry(build_failure())
    open_spool(tmp_path).put_entry(failed)
    open_spool(tmp_path).mark_accepted(failed)

    open_spool(tmp_path).put_entry(build_entry(build_success()))

    assert open_spool(tmp_path).read_record() == SignalRecord(
        failed.key,
        build_entry(build_success()),
        DeliveryRecord(build_failure(), AT, transport=SignalTransport.CFN),
        resource=failed.resource_key,
    )


def test_an_accepted_outcome_is_found_under_new_credentials(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_accepted(build_entry(build_success()))

    assert (
        open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY))
        == build_success()
    )
    assert (
        open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY, "node-2"))
        is None
    )


def test_an_outcome_is_not_given_up_under_new_credentials(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_given_up(build_entry(build_success()), "403")

    same_key, other_key = (
        open_spool(tmp_path).find_record(build_entry(build_success(), url).handle, "node-1")
        for url in (URL, ANOTHER_KEY)
    )
    assert same_key is not None
    assert other_key is not None
    assert (same_key.given_up is not None, other_key.given_up) == (True, None)


def test_an_acceptance_under_old_credentials_counts_while_the_same_is_pending_under_new_ones(
    tmp_path: Path,
) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).put_entry(build_entry(build_success(), ANOTHER_KEY))

    open_spool(tmp_path).mark_accepted(build_entry(build_success()))
    open_spool(tmp_path).discard_entry(build_entry(build_success(), ANOTHER_KEY))

    assert open_spool(tmp_path).read_pending() is None
    assert (
        open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY))
        == build_success()
    )


def test_a_record_without_a_resource_identifies_its_handle_by_its_credentials(
    tmp_path: Path,
) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    open_spool(tmp_path).mark_accepted(build_entry(build_success()))
    content = json.loads((tmp_path / SPOOL_FILE).read_text())
    del content["resource"]
    (tmp_path / SPOOL_FILE).write_text(json.dumps(content))

    assert open_spool(tmp_path).find_accepted_outcome(build_entry(build_success())) == build_success()
    assert open_spool(tmp_path).find_accepted_outcome(build_entry(build_success(), ANOTHER_KEY)) is None


def test_a_response_to_an_older_outcome_does_not_remove_the_newer_one(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))

    open_spool(tmp_path).mark_accepted(build_entry(build_failure()))

    assert open_spool(tmp_path).read_pending() == build_entry(build_success())


def test_a_response_for_an_older_handle_changes_nothing(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success(), NEWER))
    before = open_spool(tmp_path).read_record()

    open_spool(tmp_path).mark_accepted(build_entry(build_success(), OLDER))

    assert open_spool(tmp_path).read_record() == before


def test_a_shortened_outcome_is_no_longer_pending_after_its_delivery(tmp_path: Path) -> None:
    entry = build_entry(build_success("ready", seconds=(1, 2), gtid="g" * 20_000, lag=float("inf")))
    open_spool(tmp_path).put_entry(entry)

    open_spool(tmp_path).mark_accepted(entry)

    assert open_spool(tmp_path).read_pending() is None


def test_after_a_delivery_the_file_holds_no_secret(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_success()))
    assert SIGNATURE in (tmp_path / SPOOL_FILE).read_text()

    open_spool(tmp_path).mark_accepted(build_entry(build_success()))

    assert SIGNATURE not in "".join(path.name + path.read_text() for path in tmp_path.iterdir())


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    open_spool(tmp_path / "spool").put_entry(build_entry(build_success()))

    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / SPOOL_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"version": 2}', b'{"version": 1}', b"\xff"]
)
def test_a_foreign_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SPOOL_FILE).write_bytes(content)

    assert open_spool(tmp_path).read_record() is None


def test_the_old_record_stays_if_no_file_can_be_written(tmp_path: Path) -> None:
    open_spool(tmp_path).put_entry(build_entry(build_failure()))
    (tmp_path / f".{SPOOL_FILE}.draft").mkdir()

    with pytest.raises(StorageError):
        open_spool(tmp_path).put_entry(build_entry(build_success()))

    assert open_spool(tmp_path).read_pending() == build_entry(build_failure())
