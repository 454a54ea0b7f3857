"""A sender and the embedded Heat: signals after an outage, and an expired handle."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.metadata.document import CfnHandle
from guestagent.retry import Backoff, SystemClock
from guestagent.secret import Secret
from guestagent.signal import (
    DeliveryResult,
    RetryPolicy,
    Sender,
    SignalOutcome,
    SignalStatus,
    Spool,
    SpoolEntry,
)
from tests.support.cfn_signal_server import ACCEPTED_BODY, SIGNATURE, CfnSignalServer
from tests.support.heat_requests import get_fake_cloud
from tests.support.signal_attempts import READY

REASON = "größer: 100 % of `it` \N{SNOWMAN}"
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Condition": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 60},
        },
    },
}


@contextmanager
def open_stack(auth_ttl: timedelta = timedelta(minutes=15)) -> Iterator[tuple[Serving, CfnHandle]]:
    """A stack of one wait condition in the embedded Heat, and its handle."""
    with (
        serving(settings=CloudSettings(auth_ttl=auth_ttl)) as cloud,
        openstack.connect(**cloud.connect) as connection,
    ):
        connection.orchestration.post(
            "/stacks", json={"stack_name": "s", "template": TEMPLATE}
        ).raise_for_status()
        yield cloud, CfnHandle(Secret(wait_for_value(lambda: find_handle_url(cloud))))


def find_handle_url(cloud: Serving) -> str | None:
    handle = get_fake_cloud(cloud).engine.find_stack("s").resources.get("Handle")
    return None if handle is None else handle.data.get("url")


def wait_for_value(read_value: Callable[[], str | None]) -> str:
    """Return the value of `read_value` as soon as it is not None."""
    until = time.monotonic() + 10
    while (value := read_value()) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return value


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("status", "expected_status"), [(SignalStatus.SUCCESS, "COMPLETE"), (SignalStatus.FAILURE, "FAILED")]
)
def test_the_embedded_heat_accepts_a_signal_after_an_outage(
    tmp_path: Path, status: SignalStatus, expected_status: str
) -> None:
    with open_stack() as (cloud, handle):
        cloud.fault("keystone", "500", seconds=0.5)
        sender = Sender(
            Spool(tmp_path), SystemClock(), RetryPolicy(backoff=Backoff(initial_s=0.1, max_s=0.2))
        )

        delivery = sender.send(SpoolEntry(handle, "slave0000-1", SignalOutcome(status, REASON, {"lag": 0})))

        assert delivery.result is DeliveryResult.ACCEPTED
        assert delivery.attempts > 1
        stack = get_fake_cloud(cloud).engine.find_stack("s")
        assert (
            wait_for_value(lambda: stack.status if stack.status in ("COMPLETE", "FAILED") else None)
            == expected_status
        )
        assert status is SignalStatus.SUCCESS or REASON in stack.reason


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_an_expired_handle_of_the_embedded_heat_is_given_up(tmp_path: Path) -> None:
    with open_stack(auth_ttl=timedelta(seconds=-1)) as (_, handle):
        sender = Sender(
            Spool(tmp_path),
            SystemClock(),
            RetryPolicy(backoff=Backoff(initial_s=0.1, max_s=0.2), doubt_timeout_s=0.3),
        )

        delivery = sender.send(SpoolEntry(handle, "slave0000-1", READY))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert "returned 403: the URL has expired (signed 0 minutes ago" in delivery.reason


def test_the_signal_is_delivered_after_an_outage(heat: CfnSignalServer, tmp_path: Path) -> None:
    heat.reply = (503, {}, b"")
    messages: list[str] = []

    def restore_heat(message: str) -> None:
        messages.append(message)
        heat.reply = (200, {}, ACCEPTED_BODY)

    policy = RetryPolicy(backoff=Backoff(initial_s=0.01, max_s=0.02))
    sender = Sender(Spool(tmp_path), SystemClock(), policy, report=restore_heat)

    delivery = sender.send(SpoolEntry(heat.handle, "slave0000-1", READY))

    assert (delivery.result, delivery.attempts, len(messages)) == (DeliveryResult.ACCEPTED, 2, 1)
    assert json.loads(heat.requests[-1].body) == {
        "Status": "SUCCESS",
        "Reason": "ready",
        "UniqueId": "slave0000-1",
        "Data": {"lag": 0},
    }
    assert SIGNATURE not in "".join(path.read_text() for path in tmp_path.iterdir())
