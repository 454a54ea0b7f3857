"""What a server asks for by its name is the same on the embedded Nova and on our real one."""

from __future__ import annotations

import pytest

from guestagent.embedded.host.named_delay import read_delay
from guestagent.embedded.openstack.nova.server_name_faults import fails_to_reboot
from guestagent.embedded.real_cloud.inside import named_faults


@pytest.mark.parametrize(("name", "delay"), [("db", 0), ("db-slow-2", 2), ("slow-30-db", 30), ("slow", 0)])
def test_a_delay_is_in_the_name(name: str, delay: int) -> None:
    assert read_delay(name) == named_faults.read_delay(name) == delay


@pytest.mark.parametrize(("name", "fails"), [("db", False), ("db-fail-reboot", True)])
def test_a_reboot_fails_by_the_name(name: str, fails: bool) -> None:
    assert fails_to_reboot(name) is fails
