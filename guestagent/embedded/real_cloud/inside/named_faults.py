"""What the drivers of the hypervisor, the volumes and the ports do wrong, decided from names alone. Pure.

A resource asks for it by its own name, which may hold several of these words: `fail-spawn`, `fail-resize`,
`fail-reboot`, `fail-stop`, `fail-attach`, `fail-detach` and `fail-extend` of a server; `fail-create`, `fail-extend`,
`fail-attach` and `fail-delete` of a volume; `fail-bind` of a port; `slow-N` delays the operation by N seconds.
Flavors and volume types with a meaning have the names of those of the embedded cloud.
"""

import re

DELAY_PATTERN = re.compile(r"slow-(\d+)")
STUCK_DELAY_S = 3600
FLAVOR_FAULTS = {"broken": "fail-spawn fail-resize", "rigid": "fail-extend", "stuck": f"slow-{STUCK_DELAY_S}"}
VOLUME_TYPE_FAULTS = {
    "broken": "fail-create",
    "fixed": "fail-extend",
    "unattachable": "fail-attach",
    "permanent": "fail-delete",
}


def find_faults(name: str | None, kind: str | None, faults_of_kinds: dict[str, str]) -> str:
    """Return the words of a resource, by its name and by the name of its flavor or volume type."""
    return f"{name or ''} {faults_of_kinds.get(kind or '', '')}"


def read_delay(faults: str) -> int:
    """Return the seconds that the operation takes longer."""
    delay = DELAY_PATTERN.search(faults)
    return int(delay[1]) if delay else 0
