"""The growth of a data volume in Cinder, which has to be complete before the stack's template says the new size.

Heat 19 detaches a volume to grow it, and leaves it detached if that fails. If the volume has the size already, no
release of Heat touches it.
"""

from __future__ import annotations

from enum import Enum

from guestagent.controller.hardware_api import HardwareVolume, NodeHardware
from guestagent.controller.heat_requests import RequestRunner
from guestagent.errors import CloudRefused, DeadlineExceeded, InvalidCluster, Problem
from guestagent.retry import Clock

USABLE_STATUSES = frozenset({"in-use", "available"})
GROWTH_TIMEOUT_S = 1800.0


class GrowthStep(Enum):
    """What to do next for a volume that has to grow."""

    EXTEND = "extend"
    WAIT = "wait"
    NONE = "none"


class VolumeGrowth:
    """Grows volumes, one at a time. `interval_s` is the time between two polls."""

    def __init__(
        self, hardware: NodeHardware, requests: RequestRunner, clock: Clock, interval_s: float
    ) -> None:
        self._hardware, self._requests = hardware, requests
        self._clock, self._interval_s = clock, interval_s

    def grow(self, name: str, volume_id: str, size_gib: int, within: float | None = None) -> None:
        """Return when the volume `name` has this size in Cinder.

        Raise InvalidCluster if it is larger, CloudRefused if Cinder cannot grow it, DeadlineExceeded after `within`
        seconds; it may go on.
        """
        until = self._clock.now() + (GROWTH_TIMEOUT_S if within is None else within)
        is_requested = False
        while (step := self._choose_step(name, volume_id, size_gib, is_requested)) is not GrowthStep.NONE:
            if step is GrowthStep.EXTEND:
                self._requests.run_once(
                    lambda: self._hardware.extend_volume(volume_id, size_gib),
                    lambda: self._find_growth(volume_id, size_gib),
                )
                is_requested = True
            if self._clock.now() >= until:
                raise DeadlineExceeded(
                    f"{name}: volume {volume_id} has not {size_gib} GiB in time; it goes on"
                )
            self._clock.sleep(self._interval_s)

    def _choose_step(self, name: str, volume_id: str, size_gib: int, is_requested: bool) -> GrowthStep:
        volume = self._requests.run(lambda: self._hardware.read_volume(volume_id))
        return choose_growth_step(f"{name}: volume {volume_id}", volume, size_gib, is_requested)

    def _find_growth(self, volume_id: str, size_gib: int) -> object:
        """Return anything but None if a request whose answer was lost has had its effect."""
        volume = self._hardware.read_volume(volume_id)
        has_begun = volume is not None and (
            volume.size_gib >= size_gib or volume.status not in USABLE_STATUSES
        )
        return volume if has_begun else None


def choose_growth_step(
    name: str, volume: HardwareVolume | None, size_gib: int, is_requested: bool
) -> GrowthStep:
    """Choose the next step. Raise InvalidCluster or CloudRefused if there is none."""
    if volume is None:
        raise CloudRefused(f"{name} does not exist in Cinder")
    if volume.size_gib > size_gib:
        expected = f"at least {volume.size_gib} GiB, the real size of {name}"
        raise InvalidCluster([Problem("size", expected, str(size_gib), "a volume never shrinks")])
    if volume.status.startswith("error"):
        raise CloudRefused(
            f"{name} is {volume.status}, and the stack was not updated: the cloud's administrator has to reset its "
            f"status, then run the command again"
        )
    if volume.status not in USABLE_STATUSES:
        return GrowthStep.WAIT
    if volume.size_gib == size_gib:
        return GrowthStep.NONE
    if is_requested:
        raise CloudRefused(
            f"{name} still has {volume.size_gib} GiB after Cinder has accepted to grow it, and the stack was not "
            f"updated: see `openstack volume message list`"
        )
    return GrowthStep.EXTEND
