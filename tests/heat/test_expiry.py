"""A signal that comes when its handle's URL has expired: what a real Keystone and Heat say to it, and the way out.

On a cloud of its own, whose Keystone lets a URL live for a minute: the shortest that it knows.
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
from tests.support.cluster_lifecycle import build_cluster, wait_until
from tests.support.guest_cloud import GuestCloud

pytestmark = pytest.mark.timeout(420)

LIFE = timedelta(minutes=1)
PATIENCE = 150.0
GRACE = 240.0  # seconds; what a refusal is tried for, and the last of the waits between
STACK, NODE = "late", "Master0000"
PAUSE = ["pkill", "--signal", "STOP", "-x", "mariadbd"]
RESUME = ["pkill", "--signal", "CONT", "-x", "mariadbd"]
TELL_THE_AGENT = [
    "sh",
    "-c",
    f"printf '[signal]\\nauth_ttl = {LIFE.seconds}\\n' >> /etc/guestagent/guestagent.conf",
]
REFUSAL = "answers 403: the URL has expired (signed"


@pytest.fixture(scope="module")
def real_heat(folder: Path) -> Iterator[GuestCloud]:
    """In the place of the one that all others share: there a URL lives for a quarter of an hour."""
    own = folder / "expiry"
    own.mkdir(mode=0o711)
    with open_real_heat(own, CloudSettings(auth_ttl=LIFE)) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def guest(real_heat: GuestCloud) -> str:
    """A source in its second generation, whose server hung for as long as the URL lived: it signals only now.

    What is left of the condition's time is enough to be ready in.
    """
    hasty = build_cluster(0, Dialect.HOT, deadline=LIFE.seconds + 10, boot_allowance=0)
    real_heat.stacks.wait(real_heat.stacks.create(STACK, hasty), PATIENCE)
    guest = real_heat.find_guest(f"{STACK}-{NODE}")
    real_heat.hypervisor.run_command(guest, TELL_THE_AGENT)
    real_heat.hypervisor.run_command(guest, PAUSE)
    real_heat.stacks.change(STACK, lambda now: now.renew(NODE))
    wait_until(lambda: has_expired(real_heat, guest, generation=2), PATIENCE)
    real_heat.hypervisor.run_command(guest, RESUME)
    return guest


def test_a_url_that_has_expired_is_refused_and_the_stack_fails_when_its_time_is_over(
    real_heat: GuestCloud, guest: str
) -> None:
    ended = real_heat.wait_until_ended(STACK, PATIENCE)

    assert ended.status == "UPDATE_FAILED"
    assert f"WaitConditionTimeout: resources.{NODE}ReadyWaitCond2: 0 of 1 received" in ended.reason
    wait_until(lambda: "not signalled yet" in real_heat.read_log(guest))
    assert REFUSAL in real_heat.read_log(guest)
    assert "pending; the handle's URL expired" in read_signal_status(real_heat, guest)


@pytest.mark.patient
def test_what_is_refused_is_given_up_and_the_status_names_the_expiry(
    real_heat: GuestCloud, guest: str
) -> None:
    wait_until(lambda: "given up at" in read_signal_status(real_heat, guest), GRACE)

    assert REFUSAL in read_signal_status(real_heat, guest)


def test_the_next_change_gives_the_node_a_handle_that_listens(real_heat: GuestCloud, guest: str) -> None:
    repaired = real_heat.stacks.wait(real_heat.stacks.change(STACK, lambda now: now), PATIENCE)

    assert repaired.status == "UPDATE_COMPLETE"
    wait_until(lambda: "SUCCESS accepted" in read_signal_status(real_heat, guest))


def has_expired(cloud: GuestCloud, guest: str, generation: int) -> bool:
    """Whether the guest has the document of this generation, and nobody takes its handle's URL any more."""
    kept = metadata_files.find_stored_document(cloud.hypervisor.find_folder(guest) / "var/lib/guestagent")
    assert kept is not None
    document = parse(kept.document, kept.display_path)
    end = find_expiry(document.handle, LIFE.total_seconds())
    assert end is not None
    return document.section.generation == generation and end.expires_at < utc_now()
