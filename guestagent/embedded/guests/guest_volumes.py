"""The volumes of one guest: the disks in its /dev, and the work of an image's units on its data volume."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from guestagent.embedded.guests.namespace_commands import build_search_path
from guestagent.embedded.host.loop_devices import LoopDevice
from guestagent.embedded.openstack.nova.hypervisor import Guest

VOLUME_KEY = "guestagent_volume"
"""The key of a server's metadata that declares its data volume."""
SERIAL_LENGTH_LIMIT = 20
"""virtio passes on so many characters of a volume's id."""
INSTANCE_DATA = "/etc/embedded/instance-data.json"
GROWTH_REQUEST = "/run/guestagent/grow"
"""The agent asks for the growth of the file system by this file, for which a path unit waits in an image."""
# The bounding sets of the units guestagent-volume and guestagent-volume-grow.
MOUNT_CAPABILITIES = ("sys_admin", "dac_override", "chown", "fowner")
GROWTH_CAPABILITIES = ("sys_admin",)


def has_data_volume(guest: Guest) -> bool:
    """Whether the server's metadata declare a data volume."""
    return VOLUME_KEY in guest.instance_metadata


def add_volume(guest: Guest, volume_id: str) -> Guest:
    """Return the guest with one more volume."""
    return replace(guest, volumes=(*remove_volume(guest, volume_id).volumes, volume_id))


def remove_volume(guest: Guest, volume_id: str) -> Guest:
    """Return the guest without a volume."""
    return replace(guest, volumes=tuple(each for each in guest.volumes if each != volume_id))


def build_attach_commands(device: LoopDevice, volume_id: str) -> str:
    """Build the shell commands, to run in the guest's root, that show a volume by its serial, as virtio and udev do."""
    major, minor = device.number
    return (
        f"rm -f dev/{device.name}\n"
        f"(umask 177; mknod dev/{device.name} b {major} {minor})\n"
        "mkdir -p dev/disk/by-id\n"
        f"ln -sfn ../../{device.name} {shlex.quote(_build_link(volume_id))}\n"
    )


def build_detach_commands(volume_id: str) -> str:
    """Build the shell commands that take a volume away again."""
    link = shlex.quote(_build_link(volume_id))
    return f'[ ! -L {link} ] || rm -f "$(readlink -f {link})" {link}\n'


def build_disk_command(init: int, script: str) -> tuple[str, ...]:
    """Build the command that runs such commands in the running guest whose PID 1 is `init` here."""
    return ("nsenter", f"--target={init}", "--mount", "--", "/bin/sh", "-euc", f"cd /\n{script}")


def build_instance_data(guest: Guest) -> bytes:
    """Build the file in which cloud-init keeps what it knows of the instance."""
    standard = {"instance_id": guest.id, "platform": "openstack"}
    metadata = {"meta": dict(guest.instance_metadata)}
    return json.dumps({"v1": standard, "ds": {"meta_data": metadata}}).encode()


def build_data_volume_script(guest: Guest) -> str:
    """Build the part of a guest's start that does what the units of an image do with the data volume.

    The confined processes of the guest may not mount. A volume that cannot be used does not end the start: the service
    of the database server refuses to start then.
    """
    if not has_data_volume(guest):
        return ""
    program = f"{Path(sys.executable).parent}/guestagent"
    environment = f"PATH={shlex.quote(build_search_path())} LC_ALL=C.UTF-8"
    return f"""\
mkdir -p -m 700 /run/cloud-init
cp {INSTANCE_DATA} /run/cloud-init/instance-data.json
trap 'exit 0' TERM
{environment} {_build_limited_command((program, "volume", "mount"), MOUNT_CAPABILITIES)} < /dev/null &
wait $! || true
trap - TERM
(
    while :; do
        [ ! -e {GROWTH_REQUEST} ] ||
            {environment} {_build_limited_command((program, "volume", "grow"), GROWTH_CAPABILITIES)} || true
        sleep 1
    done
) < /dev/null &
"""


def _build_limited_command(argv: tuple[str, ...], capabilities: tuple[str, ...]) -> str:
    bounding_set = ",".join(("-all", *(f"+{name}" for name in capabilities)))
    return shlex.join(("setpriv", f"--bounding-set={bounding_set}", "--", *argv))


def _build_link(volume_id: str) -> str:
    return f"dev/disk/by-id/virtio-{volume_id[:SERIAL_LENGTH_LIMIT]}"
