"""The two scripts that a guest starts with: one mounts its root file system, the other is its init."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.guests import mounts, services
from guestagent.embedded.guests.mounts import Mount
from guestagent.embedded.guests.namespace_commands import build_confined_command, build_search_path

INIT_PATH = "/etc/embedded/init"
ENVIRONMENT_FILE = "/etc/guestagent/endpoint.env"
CLOUD_INIT_LOG = "cloud-init-output.log"
CFNTOOLS_FOLDER = "/var/lib/heat-cfntools"


def build_hostname(name: str) -> str:
    """Turn a server's name into a host name: letters, digits and hyphens, 63 at most."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:63].strip("-") or "guest"


def build_boot_command(namespace: Path, script: Path) -> tuple[str, ...]:
    """Build the command that starts a guest: namespaces, then the mount script. All end with the outermost process."""
    return (
        "nsenter", f"--net={namespace}", "--",
        "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--",
        "/bin/sh", str(script),
    )  # fmt: skip


def build_mount_script(
    mount_plan: Sequence[Mount], root: Path, hostname: str, disk_commands: str = "", volume_script: str = ""
) -> str:
    """Build the mount script. It prints `up` when the root is in place, then writes to the console only.

    `disk_commands` show the guest's volumes in its /dev, and `volume_script` mounts its data volume.
    """
    return f"""\
set -eu
umask 022
printf %s {shlex.quote(hostname)} > /proc/sys/kernel/hostname
{mounts.build_mount_commands(mount_plan, root)}\
cd {shlex.quote(str(root))}
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mkdir -m 1777 dev/shm run/lock
mkdir run/mysqld
mkdir -m 700 run/guestagent run/os-collect-config
{disk_commands}\
pivot_root . .
umount -l .
cd /
chown mysql: /run/mysqld
echo up
exec >&2
{volume_script}\
exec {shlex.join(build_confined_command(("/bin/sh", INIT_PATH)))}
"""


def build_init_script(guest_id: str, scripts: Sequence[str]) -> str:
    """Build the script of PID 1: it runs user data once for this instance, and then becomes the supervisor.

    As with cloud-init, the semaphore comes before the user data: what a power cut interrupts is not run again. All
    services get the environment that the units of agent and collector read.
    """
    semaphore = shlex.quote(f"/var/lib/cloud/instances/{guest_id}/sem")
    return f"""\
set -u
export PATH={shlex.quote(build_search_path())} HOME=/root LANG=C.UTF-8
if [ ! -e {semaphore} ]; then
    mkdir -p {semaphore}
    trap 'exit 0' TERM
{"".join(_build_script_command(name) for name in scripts)}\
    trap - TERM
fi
if [ -r {ENVIRONMENT_FILE} ]; then
    set -a
    . {ENVIRONMENT_FILE}
    set +a
fi
umask 077
(until [ -S {services.SUPERVISOR_SOCKET} ]; do sleep 0.02; done; exec {shlex.join(services.build_wakeup_command())}) &
exec {shlex.join(services.build_supervisor_command())}
"""


def _build_script_command(name: str) -> str:
    """Build a command that runs in the background and is waited for: PID 1 must handle SIGTERM meanwhile."""
    path = shlex.quote(f"{CFNTOOLS_FOLDER}/{name}")
    return f"    {path} >> /var/log/{CLOUD_INIT_LOG} 2>&1 < /dev/null & wait $!\n"
