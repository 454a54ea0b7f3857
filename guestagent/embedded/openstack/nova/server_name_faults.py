"""What fails because a server asks for it by its name, as on our real Nova: `fail-reboot`. Pure."""

from __future__ import annotations

REBOOT_FAULT = "fail-reboot"


def fails_to_reboot(name: str) -> bool:
    """Return whether the hypervisor refuses to reboot a server, which then goes on running."""
    return REBOOT_FAULT in name
