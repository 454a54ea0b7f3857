"""The boots of an image's guests: each must end with every unit running, and cloud-init without an error."""

from __future__ import annotations

import json
import re
import time

from guestagent.embedded.guests.namespace_processes import find_init
from guestagent.embedded.guests.network import build_link_names
from tests.support.guest_cloud import GuestCloud
from tests.support.polling import wait_until

BOOT_TIMEOUT_S = 180.0
CLOUD_INIT_RESULT = "/run/cloud-init/result.json"
CLOUD_INIT_STATUS = "/run/cloud-init/status.json"
# The image keeps Heat's own program from running if its Python cannot run it, and Nova's metadata in the dialect of Ec2
# describe no network.
EXPECTED_WARNING = re.compile(r"loguserdata\.py as its not executable|Metadata 'network' key not valid: None")


class BootChecks:
    """The boots of a cloud's guests so far. A boot is recognized by its PID 1."""

    def __init__(self, cloud: GuestCloud) -> None:
        self._cloud = cloud
        self._checked: set[tuple[str, int]] = set()

    def check_new_boots(self) -> int:
        """Check every guest that has booted since the last call, and return how many have."""
        boots = {
            (guest, init)
            for guest in self._cloud.hypervisor.list_guests()
            if (init := find_init(build_link_names(self._cloud.bridge, guest).namespace)) is not None
        }
        new_boots = boots - self._checked
        for guest, _ in sorted(new_boots):
            check_boot(self._cloud, guest)
        self._checked |= new_boots
        return len(new_boots)


def check_boot(cloud: GuestCloud, guest: str) -> None:
    """Check that the guest's systemd reports `running`, and that cloud-init has ended without an error."""
    wait_until(lambda: _has_file(cloud, guest, CLOUD_INIT_RESULT), BOOT_TIMEOUT_S)
    state = _wait_for_state(cloud, guest)
    failed_units = _run(cloud, guest, "systemctl", "--failed", "--no-legend", "--plain").splitlines()
    if (state, failed_units) != ("running", []):
        units = [line.split()[0] for line in failed_units]
        logs = "\n".join(cloud.read_log(guest, unit)[-2000:] for unit in units)
        raise AssertionError(f"a boot ended as {state!r}, with failed units: {units}\n{logs}")
    errors = list_cloud_init_errors(cloud, guest)
    assert not errors, errors


def list_cloud_init_errors(cloud: GuestCloud, guest: str) -> list[str]:
    """Return the errors and warnings of all stages of cloud-init that an image of ours must not have."""
    result = json.loads(_run(cloud, guest, "cat", CLOUD_INIT_RESULT))["v1"]
    status = json.loads(_run(cloud, guest, "cat", CLOUD_INIT_STATUS))["v1"]
    stages = [stage for stage in status.values() if isinstance(stage, dict)]
    errors = [*result["errors"], *(error for stage in stages for error in stage.get("errors", []))]
    recoverable = (stage.get("recoverable_errors", {}) for stage in stages)
    warnings = [
        message
        for messages_by_level in recoverable
        for level, messages in messages_by_level.items()
        if level != "DEPRECATED"  # of the configuration that Heat sends
        for message in messages
        if not EXPECTED_WARNING.search(message)
    ]
    return [*map(str, errors), *warnings]


def get_datasource(cloud: GuestCloud, guest: str) -> str:
    """Return cloud-init's name for where it found the instance's data."""
    return str(json.loads(_run(cloud, guest, "cat", CLOUD_INIT_RESULT))["v1"]["datasource"])


def _wait_for_state(cloud: GuestCloud, guest: str) -> str:
    """Return the state of systemd when it no longer starts units, or the last one after the timeout."""
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    while True:
        answer = cloud.hypervisor.run_command(guest, ("systemctl", "is-system-running"))
        state = answer.stdout.strip()
        if state not in {"starting", "initializing", ""} or time.monotonic() > deadline:
            return state
        time.sleep(0.2)


def _has_file(cloud: GuestCloud, guest: str, path: str) -> bool:
    return cloud.hypervisor.run_command(guest, ("test", "-e", path)).returncode == 0


def _run(cloud: GuestCloud, guest: str, *argv: str) -> str:
    answer = cloud.hypervisor.run_command(guest, argv)
    assert answer.returncode == 0, answer
    return answer.stdout.strip()
