"""The command lines of a container: its start, with its mounts and systemd-nspawn, and what runs in it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from guestagent.embedded.guests.boot_scripts import build_hostname
from guestagent.embedded.host.commands import DEFAULT_PATH
from guestagent.embedded.host.identifiers import build_fixed_id
from guestagent.embedded.openstack.nova.hypervisor import Guest

GUEST_PYTHON = "/opt/guestagent/bin/python"
GUEST_PATH = f"{Path(GUEST_PYTHON).parent}:{DEFAULT_PATH}"
DISK_FOLDERS = ("upper", "work", "root", "tree")
AGENT_CONFIG = "guestagent.conf"
CONFIG_MARK = "# From the embedded cloud: a container sees all of this machine's memory.\n"
AGENT_MEMORY_LIMIT_MB = 512
MACHINE_NAME_LIMIT = 63
REBOOT_EXIT_CODE = 133
# Beside systemd-nspawn's own: the guest sets its own addresses, and MySQL locks memory.
CAPABILITIES = ("CAP_NET_ADMIN", "CAP_IPC_LOCK", "CAP_SYSLOG")


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """A guest, and where its parts are on this machine."""

    guest: Guest
    folder: Path
    tree: Path
    namespace: Path
    cgroups: tuple[Path, ...]
    datasource_options: tuple[str, ...]


def build_start_script(plan: ContainerPlan) -> str:
    """Build the script of the outermost process, in the guest's network namespace and a mount namespace of its own.

    It prints `up` when the disk is mounted, and starts the guest again after a reboot from inside, also when the
    process that started it has ended. A network card is clean at a boot: what a power cut left is removed.
    """
    return f"""\
set -eu
umask 022
cd {shlex.quote(str(plan.folder))}
{"".join(_build_joins(plan.cgroups))}\
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
mount --bind {shlex.quote(str(plan.tree))} tree
# redirect_dir: folders of the tree can be renamed, as on a disk of their own. MySQL does that after a CLONE.
mount -t overlay overlay -o lowerdir=tree,upperdir=upper,workdir=work,redirect_dir=on root
: > root/etc/fstab
mkdir -p root/etc/guestagent
config=root/etc/guestagent/{AGENT_CONFIG}
if [ ! -e $config ] || grep -qxF {shlex.quote(CONFIG_MARK.strip())} $config; then
    cp {AGENT_CONFIG} $config
fi
echo up
exec >&2
while :; do
    ip address flush dev eth0
    ip link set eth0 down
    code=0
    {shlex.join(build_nspawn_command(plan))} < /dev/null || code=$?
    [ $code = {REBOOT_EXIT_CODE} ] || exit $code
done
"""


def build_nspawn_command(plan: ContainerPlan) -> tuple[str, ...]:
    """Build the command that runs the guest's systemd. Nothing of this machine is shown in it but its kernel."""
    hostname = build_hostname(plan.guest.name)[:MACHINE_NAME_LIMIT].strip("-")
    return (
        # A DHCP client sets parameters of its interface, which systemd-nspawn otherwise forbids.
        "env", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network",
        "systemd-nspawn",
        "--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no",
        f"--directory={plan.folder / 'root'}",
        f"--machine={hostname}",
        f"--uuid={build_machine_id(plan.guest.id)}",
        f"--network-namespace-path={plan.namespace}",
        f"--capability={','.join(CAPABILITIES)}",
        "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only",
        *plan.datasource_options,
    )  # fmt: skip


def build_boot_command(namespace: Path, script: Path) -> tuple[str, ...]:
    """Build the command that starts the script. Without nsenter the guest would see this machine's network cards.

    A mount of the machine that is removed later must not stay in the guest's namespace: its device would stay busy.
    """
    return (
        "nsenter", f"--net={namespace}", "--",
        "unshare", "--mount", "--propagation", "slave", "--",
        "/bin/sh", str(script),
    )  # fmt: skip


def build_exec_command(init: int, argv: Sequence[str]) -> tuple[str, ...]:
    """Build the command that runs `argv` in the guest whose PID 1 is `init` here. It ends with its parent.

    For this process's own interpreter, the guest's runs.
    """
    guest_argv = (GUEST_PYTHON if word == sys.executable else word for word in argv)
    return (
        "nsenter", f"--target={init}", "--all", "--",
        "setpriv", "--pdeathsig=KILL", "--",
        "env", "-i", f"PATH={GUEST_PATH}", "HOME=/root", "LANG=C.UTF-8",
        *guest_argv,
    )  # fmt: skip


def build_agent_config(memory_mb: int) -> str:
    """Build the agent's settings for a guest of this memory."""
    return f"{CONFIG_MARK}[database]\nmemory_mb = {min(AGENT_MEMORY_LIMIT_MB, max(64, memory_mb))}\n"


def build_machine_id(guest_id: str) -> str:
    """Return what a virtual machine has as its product uuid, from which the first boot makes the machine-id."""
    try:
        return str(UUID(guest_id))
    except ValueError:
        return build_fixed_id("machine", guest_id)


def _build_joins(cgroups: Iterable[Path]) -> Iterable[str]:
    return (f"echo $$ > {shlex.quote(str(folder / 'cgroup.procs'))}\n" for folder in cgroups)
