"""What goes wrong with a volume, by its type and by its name."""

from __future__ import annotations

from guestagent.embedded.openstack.cinder.volume_faults import VolumeFaults, find_volume_faults
from guestagent.embedded.openstack.cinder.volume_types import DEFAULT_TYPE, find_volume_type


def test_a_plain_volume_has_no_fault() -> None:
    assert find_volume_faults(None, DEFAULT_TYPE) == VolumeFaults(False, False, False, False, 0)


def test_a_name_holds_several_words() -> None:
    faults = find_volume_faults("slow-7 fail-extend", DEFAULT_TYPE)

    assert faults.fails_to_extend
    assert not faults.fails_to_delete
    assert faults.delay_s == 7


def test_a_type_and_a_name_do_the_same() -> None:
    broken = find_volume_type("broken")
    assert broken is not None

    assert find_volume_faults("data", broken) == find_volume_faults("fail-create", DEFAULT_TYPE)
