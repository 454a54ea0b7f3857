"""A signal after the handle's URL has expired: the response of a real Keystone and Heat, and the recovery.

It runs on its own cloud, whose Keystone accepts a URL for one minute, the shortest time that it supports.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from guestagent.agent import metadata_files
from guestagent.controller import Dialect
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.metadata import parse
from guestagent.signal import find_expiry
from guestagent.signal.transports import utc_now
from tests.heat.operator_requests import read_signal_status
from tests.heat.real_heat import open_real_heat
from tests.support.cluster_lifecycle import build_cluster
from tests.support.guest_cloud import GuestCloud
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)

URL_LIFETIME = timedelta(minutes=1)
STACK_TIMEOUT_S = 150.0
GIVE_UP_TIMEOUT_S = 240.0  # how long a rejected signal is retried, and the last interval between attempts
STACK, NODE = "late", "Master0000"
PAUSE_SERVER = ["pkill", "--signal", "STOP", "-x", "mariadbd"]
RESUME_SERVER = ["pkill", "--signal", "CONT", "-x", "mariadbd"]
SET_AUTH_TTL = [
    "sh",
    "-c",
    f"printf '[signal]\\nauth_ttl = {URL_LIFETIME.seconds}\\n' >> /etc/guestagent/guestagent.conf",
]
REFUSAL = "returned 403: the URL has expired (signed"


@pytest.fixture(scope="module")
def real_heat(folder: Path) -> Iterator[GuestCloud]:
    """Replace the shared cloud, on which a URL is valid for a quarter of an hour."""
    own_folder = folder / "expiry"
    own_folder.mkdir(mode=0o711)
    with open_real_heat(own_folder, CloudSettings(auth_ttl=URL_LIFETIME)) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def guest(real_heat: GuestCloud) -> str:
    """A source in its second generation, whose server hung until the URL expired: it signals only now.

    The rest of the wait condition's timeout suffices to become ready.
    """
    cluster = build_cluster(0, Dialect.HOT, deadline=URL_LIFETIME.seconds + 10, boot_allowance=0)
    real_heat.stacks.wait(real_heat.stacks.create(STACK, cluster), STACK_TIMEOUT_S)
    guest = real_heat.find_guest(f"{STACK}-{NODE}")
    real_heat.hypervisor.run_command(guest, SET_AUTH_TTL)
    real_heat.hypervisor.run_command(guest, PAUSE_SERVER)
    real_heat.stacks.change(STACK, lambda now: now.renew(NODE))
    wait_until(lambda: has_expired(real_heat, guest, generation=2), STACK_TIMEOUT_S)
    real_heat.hypervisor.run_command(guest, RESUME_SERVER)
    return guest


def test_an_expired_url_is_rejected_and_the_stack_fails_at_its_timeout(
    real_heat: GuestCloud, guest: str
) -> None:
    stack = real_heat.wait_until_ended(STACK, STACK_TIMEOUT_S)

    assert stack.status == "UPDATE_FAILED"
    assert f"WaitConditionTimeout: resources.{NODE}ReadyWaitCond2: 0 of 1 received" in stack.reason
    wait_until(lambda: "not signalled yet" in real_heat.read_log(guest))
    assert REFUSAL in real_heat.read_log(guest)
    assert "pending; the handle's URL expired" in read_signal_status(real_heat, guest)


@pytest.mark.patient
def test_a_rejected_signal_is_given_up_and_the_status_names_the_expiry(
    real_heat: GuestCloud, guest: str
) -> None:
    wait_until(lambda: "given up at" in read_signal_status(real_heat, guest), GIVE_UP_TIMEOUT_S)

    assert REFUSAL in read_signal_status(real_heat, guest)


def test_the_next_change_gives_the_node_a_valid_handle(real_heat: GuestCloud, guest: str) -> None:
    stack = real_heat.stacks.wait(real_heat.stacks.change(STACK, lambda now: now), STACK_TIMEOUT_S)

    assert stack.status == "UPDATE_COMPLETE"
    wait_until(lambda: "SUCCESS accepted" in read_signal_status(real_heat, guest))


def has_expired(cloud: GuestCloud, guest: str, generation: int) -> bool:
    """Return whether the guest has the document of this generation, and its handle's URL has expired."""
    stored = metadata_files.find_stored_document(cloud.hypervisor.find_folder(guest) / "var/lib/guestagent")
    assert stored is not None
    document = parse(stored.document, stored.display_path)
    url_expiry = find_expiry(document.handle, URL_LIFETIME.total_seconds())
    assert url_expiry is not None
    return document.section.generation == generation and url_expiry.expires_at < utc_now()
