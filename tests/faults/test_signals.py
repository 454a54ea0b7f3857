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
from guestagent.embedded.http.faults import FaultMode, ServiceName
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
DOUBTED = ("401", "403")
OUTAGES = [("own", mode) for mode in MODES] + [("keystone", mode) for mode in WITHOUT_KEYSTONE]
ATTEMPT = 0.25  # seconds; before a deadline it is 1 at least
SLOWNESS = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """A cloud, and a person in it."""

    cloud: Serving
    heat: HeatRequests

    def outage(self, transport: str, where: str, mode: FaultMode) -> None:
        """Of the service that hears this transport, or of Keystone; it lasts until it is healed."""
        service = "keystone" if where == "keystone" else LISTENERS[transport]
        self.cloud.fault(service, mode, delay=SLOWNESS)

    def heard(self, name: str) -> list[str]:
        """The ids that the stack's handle counts."""
        return list(get_fake_cloud(self.cloud).engine.find_stack(name).resources["Handle"].metadata)


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    with serving() as cloud, openstack.connect(**cloud.connect) as connection:
        yield Place(cloud, HeatRequests(connection))


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """Without an outage before and after each test."""
    yield shared
    shared.cloud.heal()


NUMBERS = itertools.count()


@pytest.fixture
def name() -> str:
    """A stack's, of this test alone."""
    return f"s{next(NUMBERS)}"


def sender(folder: Path) -> Sender:
    """One process's."""
    policy = RetryPolicy(
        backoff=Backoff(initial_s=0.5, max_s=2.0), attempt_timeout_s=ATTEMPT, doubt_timeout_s=20.0
    )
    return Sender(Spool(folder), FastClock(), policy)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("where", "mode"), OUTAGES)
def test_an_outage_that_passes_only_delays_a_signal(
    place: Place, name: str, tmp_path: Path, transport: str, where: str, mode: FaultMode
) -> None:
    to = create_waiting_stack(place.heat, name, transport)
    place.outage(transport, where, mode)
    told: list[str] = []

    def over_after_two(message: str) -> None:
        told.append(message)
        if len(told) == 2:
            place.cloud.heal()

    delivery = replace(sender(tmp_path), report=over_after_two).send(SpoolEntry(to, ID, READY))

    assert delivery.result is DeliveryResult.ACCEPTED
    assert delivery.attempts >= 3
    assert place.heard(name) == [ID]
    place.heat.wait(name, "CREATE_COMPLETE")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("where", "mode"), OUTAGES)
def test_an_outage_that_outlasts_the_process_leaves_its_signal_to_the_next_one(
    place: Place, name: str, tmp_path: Path, transport: str, where: str, mode: FaultMode
) -> None:
    to = create_waiting_stack(place.heat, name, transport)
    place.outage(transport, where, mode)
    first = sender(tmp_path)

    # What is refused ends by itself: it is final for this process, for mostly it is so for good.
    during = first.send(SpoolEntry(to, ID, READY), until=None if mode in DOUBTED else first.clock.now() + 40)
    kept = Spool(tmp_path).read_record()
    place.cloud.heal()
    after = sender(tmp_path).send(SpoolEntry(to, ID, READY))

    assert kept is not None
    if mode in DOUBTED:
        assert during.result is DeliveryResult.GIVEN_UP
        assert kept.given_up is not None
        assert "the handle or its stack is gone" in kept.given_up.reason
    else:
        assert during.result is DeliveryResult.DEADLINE_EXCEEDED
        assert kept.pending == SpoolEntry(to, ID, READY)
    assert after.result is DeliveryResult.ACCEPTED
    assert place.heard(name) == [ID]
    place.heat.wait(name, "CREATE_COMPLETE")


def expired(place: Place, name: str, transport: str) -> HotHandle:
    """A handle whose credential is too old: a URL of a cloud without patience, or a token that is no more."""
    to = create_waiting_stack(place.heat, name, transport)
    found = handles.resolve_target(to)
    if isinstance(found, handles.TokenTarget):
        told = {"X-Subject-Token": found.token.reveal()}
        requests.delete(f"{get_fake_cloud(place.cloud).auth_url}/auth/tokens", headers=told, timeout=5)
    return to


@pytest.fixture
def impatient() -> Iterator[Place]:
    """A cloud in which a presigned URL is too old as soon as it is made."""
    with (
        serving(settings=CloudSettings(auth_ttl=timedelta(seconds=-1))) as cloud,
        openstack.connect(**cloud.connect) as connection,
    ):
        yield Place(cloud, HeatRequests(connection))


@pytest.mark.parametrize(
    ("transport", "why"), [("CFN_SIGNAL", "the URL has expired"), ("TOKEN_SIGNAL", "the token has expired")]
)
def test_a_credential_that_has_expired_is_final_and_said(
    impatient: Place, tmp_path: Path, transport: str, why: str
) -> None:
    to = expired(impatient, "s", transport)
    process = sender(tmp_path)

    first = process.send(SpoolEntry(to, ID, READY))
    second = process.send(SpoolEntry(to, ID, READY))

    assert first.result is DeliveryResult.GIVEN_UP
    assert why in first.reason
    assert second == Delivery(DeliveryResult.GIVEN_UP, first.reason, attempts=0)
    assert why in describe_signal(settings(tmp_path, to))


def test_credentials_that_fetch_their_token_do_not_expire(impatient: Place, tmp_path: Path) -> None:
    to = expired(impatient, "s", "HEAT_SIGNAL")

    assert sender(tmp_path).send(SpoolEntry(to, ID, READY)).result is DeliveryResult.ACCEPTED
    assert "expire" not in describe_signal(settings(tmp_path, to))


def test_an_expiry_is_known_in_advance(impatient: Place, tmp_path: Path) -> None:
    to = create_waiting_stack(impatient.heat, "s", "CFN_SIGNAL")

    assert "nothing sent yet; the handle's URL expires in 15 min" in describe_signal(settings(tmp_path, to))
    assert "the handle's URL expired 1 min ago" in describe_signal(
        replace(settings(tmp_path, to), auth_ttl=-60)
    )


def settings(folder: Path, to: HotHandle) -> AgentSettings:
    """Of a guest whose metadata names this handle."""
    (folder / "guestagent.conf").write_text("")
    document = {
        "ReadyWaitCondition": to.document.reveal(),
        "GuestAgent": {"Version": 1, "Node": "slave0000", "Generation": 1},
    }
    metadata_files.store_document(
        folder, CollectedDocument.from_document(document, Path("os-collect-config.json"), "now")
    )
    return replace(
        load_settings(folder / "guestagent.conf"), state_folder=folder, collector_cache=folder / "cache"
    )
