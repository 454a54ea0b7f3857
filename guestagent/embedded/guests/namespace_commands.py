"""Commands that enter a guest's namespaces, confined so that they cannot change this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.guests.server_programs import PROGRAM_FOLDER
from guestagent.embedded.host.commands import DEFAULT_PATH

CAPABILITIES = (
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service",
    "net_admin", "net_raw", "ipc_lock", "sys_chroot", "sys_ptrace", "sys_nice", "sys_resource", "audit_write",
)  # fmt: skip


def build_confined_command(argv: Sequence[str], *options: str) -> tuple[str, ...]:
    """Build a command that runs as root without the capabilities to change this machine: mounts, devices, modules."""
    capabilities = ",".join(("-all", *(f"+{name}" for name in CAPABILITIES)))
    return ("setpriv", f"--bounding-set={capabilities}", *options, "--", *argv)


def build_exec_command(init: int, argv: Sequence[str]) -> tuple[str, ...]:
    """Build the command that runs `argv` in the guest whose PID 1 is `init` here. It ends with its parent."""
    namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid")
    environment = ("env", "-i", f"PATH={build_search_path()}", "HOME=/root", "LANG=C.UTF-8")
    return (
        "nsenter", f"--target={init}", *namespaces, "--",
        *build_confined_command((*environment, *argv), "--pdeathsig=KILL"),
    )  # fmt: skip


def build_search_path() -> str:
    """Build PATH in a guest: this interpreter's programs first, like a virtual environment's in an image.

    Those of the guest's server come next, if it is not this machine's.
    """
    return f"{Path(sys.executable).parent}:{PROGRAM_FOLDER}:{DEFAULT_PATH}"
