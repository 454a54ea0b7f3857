"""The donor closes its port when no agent renews its configuration."""

from __future__ import annotations

from guestagent.seeding.donor.configuration import MIN_LEASE_S, renew_lease
from guestagent.seeding.donor.lease import Lease
from tests.support.polling import wait_until
from tests.support.running_donor import RunningDonor


def test_a_lease_is_valid_from_the_moment_in_which_its_renewal_was_seen() -> None:
    lease = Lease()

    answers = [lease.is_valid("first", 10, now) for now in (100, 109, 110)]
    renewed = [lease.is_valid("second", 10, now) for now in (111, 120, 121)]

    assert (answers, renewed) == ([True, True, False], [True, True, False])


def test_the_donor_ends_when_no_agent_renews_its_configuration(donor: RunningDonor) -> None:
    donor.clock.time += MIN_LEASE_S

    wait_until(lambda: not donor.is_running)

    assert donor.has_logged("the agent has not renewed the configuration")
    assert donor.path.exists()


def test_a_renewal_keeps_the_donor_running(donor: RunningDonor) -> None:
    donor.clock.time += MIN_LEASE_S - 1
    donor.connect().close()
    renew_lease(donor.path)
    wait_until(lambda: donor.has_logged("ended early"))

    donor.clock.time += MIN_LEASE_S - 1

    donor.connect().close()


def test_there_is_nothing_to_renew_without_a_configuration(donor: RunningDonor) -> None:
    donor.path.unlink()

    renew_lease(donor.path)

    assert not donor.path.exists()
