"""Every way to a handle through every outage: spooled while it lasts, delivered after it, counted once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import openstack
import pytest
import requests

from guestagent.agent import metadata_files
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.settings import Settings as AgentSettings
from guestagent.agent.settings import load_settings
from guestagent.agent.signal_status import describe_signal
from guestagent.embedded import Serving, serving
from guestagent.embedded.http.faults import FaultMode
from guestagent.embedded.http.service_names import ServiceName
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.metadata.document import HotHandle
from guestagent.retry import Backoff
from guestagent.signal import (
    Delivery,
    DeliveryResult,
    RetryPolicy,
    Sender,
    SignalOutcome,
    SignalStatus,
    Spool,
    SpoolEntry,
)
from guestagent.signal import handle as handles
from tests.support.fast_clock import FastClock
from tests.support.heat_requests import HeatRequests, create_waiting_stack, get_fake_cloud

ID = "slave0000-1"
READY = SignalOutcome(SignalStatus.SUCCESS, "ready", {"lag": 0})
TRANSPORTS = ("CFN_SIGNAL", "TOKEN_SIGNAL", "HEAT_SIGNAL")
LISTENERS: dict[str, ServiceName] = {"CFN_SIGNAL": "cfn", "TOKEN_SIGNAL": "heat", "HEAT_SIGNAL": "heat"}
MODES: tuple[FaultMode, ...] = ("refuse", "401", "403", "500", "503", "slow", "lost")
# Of Keystone's troubles these are what a handle's host cannot do without it.
WITHOUT_KEYSTONE: tuple[FaultMode, ...] = ("refuse", "500", "503")
DOUBTED_MODES = ("401", "403")
OUTAGES = [("own", mode) for mode in MODES] + [("keystone", mode) for mode in WITHOUT_KEYSTONE]
ATTEMPT_TIMEOUT_S = 0.25  # seconds; before a deadline it is 1 at least
SERVICE_DELAY_S = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class SignalEnvironment:
    """A cloud, and a person in it."""

    cloud: Serving
    heat: HeatRequests

    def start_outage(self, transport: str, where: str, mode: FaultMode) -> None:
        """An outage of the service behind this transport, or of Keystone; it lasts until it is healed."""
        service = "keystone" if where == "keystone" else LISTENERS[transport]
        self.cloud.fault(service, mode, delay=SERVICE_DELAY_S)

    def list_signal_ids(self, stack_name: str) -> list[str]:
        """The ids that the stack's handle counts."""
        return list(get_fake_cloud(self.cloud).engine.find_stack(stack_name).resources["Handle"].metadata)


@pytest.fixture(scope="module")
def shared_environment() -> Iterator[SignalEnvironment]:
    with serving() as cloud, openstack.connect(**cloud.connect) as connection:
        yield SignalEnvironment(cloud, HeatRequests(connection))


@pytest.fixture
def environment(shared_environment: SignalEnvironment) -> Iterator[SignalEnvironment]:
    """Without an outage before and after each test."""
    yield shared_environment
    shared_environment.cloud.heal()


NUMBERS = itertools.count()


@pytest.fixture
def stack_name() -> str:
    """A stack's, of this test alone."""
    return f"s{next(NUMBERS)}"


def build_sender(folder: Path) -> Sender:
    """One process's."""
    policy = RetryPolicy(
        backoff=Backoff(initial_s=0.5, max_s=2.0), attempt_timeout_s=ATTEMPT_TIMEOUT_S, doubt_timeout_s=20.0
    )
    return Sender(Spool(folder), FastClock(), policy)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("where", "mode"), OUTAGES)
def test_an_outage_that_passes_only_delays_a_signal(
    environment: SignalEnvironment,
    stack_name: str,
    tmp_path: Path,
    transport: str,
    where: str,
    mode: FaultMode,
) -> None:
    handle = create_waiting_stack(environment.heat, stack_name, transport)
    environment.start_outage(transport, where, mode)
    messages: list[str] = []

    def heal_after_two(message: str) -> None:
        messages.append(message)
        if len(messages) == 2:
            environment.cloud.heal()

    delivery = replace(build_sender(tmp_path), report=heal_after_two).send(SpoolEntry(handle, ID, READY))

    assert delivery.result is DeliveryResult.ACCEPTED
    assert delivery.attempts >= 3
    assert environment.list_signal_ids(stack_name) == [ID]
    environment.heat.wait(stack_name, "CREATE_COMPLETE")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("where", "mode"), OUTAGES)
def test_an_outage_that_outlasts_the_process_leaves_its_signal_to_the_next_one(
    environment: SignalEnvironment,
    stack_name: str,
    tmp_path: Path,
    transport: str,
    where: str,
    mode: FaultMode,
) -> None:
    handle = create_waiting_stack(environment.heat, stack_name, transport)
    environment.start_outage(transport, where, mode)
    first = build_sender(tmp_path)

    # What is refused ends by itself: it is final for this process, for mostly it is so for good.
    during = first.send(
        SpoolEntry(handle, ID, READY), until=None if mode in DOUBTED_MODES else first.clock.now() + 40
    )
    record = Spool(tmp_path).read_record()
    environment.cloud.heal()
    after = build_sender(tmp_path).send(SpoolEntry(handle, ID, READY))

    assert record is not None
    if mode in DOUBTED_MODES:
        assert during.result is DeliveryResult.GIVEN_UP
        assert record.given_up is not None
        assert "the handle or its stack is gone" in record.given_up.reason
    else:
        assert during.result is DeliveryResult.DEADLINE_EXCEEDED
        assert record.pending == SpoolEntry(handle, ID, READY)
    assert after.result is DeliveryResult.ACCEPTED
    assert environment.list_signal_ids(stack_name) == [ID]
    environment.heat.wait(stack_name, "CREATE_COMPLETE")


def create_expired_handle(environment: SignalEnvironment, stack_name: str, transport: str) -> HotHandle:
    """A handle whose credential is too old: a URL of a cloud without patience, or a token that is no more."""
    handle = create_waiting_stack(environment.heat, stack_name, transport)
    target = handles.resolve_target(handle)
    if isinstance(target, handles.TokenTarget):
        headers = {"X-Subject-Token": target.token.reveal()}
        requests.delete(
            f"{get_fake_cloud(environment.cloud).auth_url}/auth/tokens", headers=headers, timeout=5
        )
    return handle


@pytest.fixture
def expired_environment() -> Iterator[SignalEnvironment]:
    """A cloud in which a presigned URL is too old as soon as it is made."""
    with (
        serving(settings=CloudSettings(auth_ttl=timedelta(seconds=-1))) as cloud,
        openstack.connect(**cloud.connect) as connection,
    ):
        yield SignalEnvironment(cloud, HeatRequests(connection))


@pytest.mark.parametrize(
    ("transport", "reason"),
    [("CFN_SIGNAL", "the URL has expired"), ("TOKEN_SIGNAL", "the token has expired")],
)
def test_an_expired_credential_is_final_and_reported(
    expired_environment: SignalEnvironment, tmp_path: Path, transport: str, reason: str
) -> None:
    handle = create_expired_handle(expired_environment, "s", transport)
    process = build_sender(tmp_path)

    first = process.send(SpoolEntry(handle, ID, READY))
    second = process.send(SpoolEntry(handle, ID, READY))

    assert first.result is DeliveryResult.GIVEN_UP
    assert reason in first.reason
    assert second == Delivery(DeliveryResult.GIVEN_UP, first.reason, attempts=0)
    assert reason in describe_signal(build_settings(tmp_path, handle))


def test_credentials_that_fetch_their_token_do_not_expire(
    expired_environment: SignalEnvironment, tmp_path: Path
) -> None:
    handle = create_expired_handle(expired_environment, "s", "HEAT_SIGNAL")

    assert build_sender(tmp_path).send(SpoolEntry(handle, ID, READY)).result is DeliveryResult.ACCEPTED
    assert "expire" not in describe_signal(build_settings(tmp_path, handle))


def test_an_expiry_is_known_in_advance(expired_environment: SignalEnvironment, tmp_path: Path) -> None:
    handle = create_waiting_stack(expired_environment.heat, "s", "CFN_SIGNAL")

    assert "nothing sent yet; the handle's URL expires in 15 min" in describe_signal(
        build_settings(tmp_path, handle)
    )
    assert "the handle's URL expired 1 min ago" in describe_signal(
        replace(build_settings(tmp_path, handle), auth_ttl=-60)
    )


def build_settings(folder: Path, handle: HotHandle) -> AgentSettings:
    """Of a guest whose metadata names this handle."""
    (folder / "guestagent.conf").write_text("")
    document = {
        "ReadyWaitCondition": handle.document.reveal(),
        "GuestAgent": {"Version": 1, "Node": "slave0000", "Generation": 1},
    }
    metadata_files.store_document(
        folder, CollectedDocument.from_document(document, Path("os-collect-config.json"), "now")
    )
    return replace(
        load_settings(folder / "guestagent.conf"), state_folder=folder, collector_cache=folder / "cache"
    )
