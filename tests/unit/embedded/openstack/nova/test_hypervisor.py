"""The fake hypervisor, which boots nothing."""

from __future__ import annotations

import pytest

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.openstack.nova.hypervisor import GuestSize
from guestagent.errors import CloudError
from tests.support.container_guests import build_guest


def test_a_copy_runs_beside_its_origin() -> None:
    hypervisor = FakeHypervisor()
    hypervisor.boot(build_guest(id="one"))

    hypervisor.boot_copy(build_guest(id="two", name="copy"), "one")

    assert set(hypervisor.guests) == {"one", "two"}
    assert hypervisor.calls[-1] == ("boot_copy", "copy")


def test_there_is_no_copy_of_a_guest_that_does_not_exist() -> None:
    with pytest.raises(CloudError, match="there is no guest none"):
        FakeHypervisor().boot_copy(build_guest(id="two"), "none")


def test_after_a_power_cut_a_guest_still_exists() -> None:
    hypervisor = FakeHypervisor()
    hypervisor.boot(build_guest(id="one"))

    hypervisor.cut_power("one")

    assert set(hypervisor.guests) == {"one"}
    assert hypervisor.calls[-1] == ("cut_power", "one")


def test_a_resized_guest_is_rebooted_with_its_new_size() -> None:
    hypervisor = FakeHypervisor()
    hypervisor.boot(build_guest(id="one"))

    hypervisor.resize("one", GuestSize("m1.large", 4, 1024))

    assert (hypervisor.guests["one"].flavor, hypervisor.guests["one"].memory_mb) == ("m1.large", 1024)
    assert hypervisor.calls[-1] == ("reboot", "one")
