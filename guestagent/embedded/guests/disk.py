"""A new guest's disk: its /etc and /var at the first boot, as an image and a cloud would have made them."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.database_servers.data_directory import REDO_LOG_SIZE
from guestagent.embedded.database_servers.flavours import Family
from guestagent.embedded.guests import boot_scripts, data_directory, services, user_data
from guestagent.embedded.guests.images import GuestImage, find_image
from guestagent.embedded.guests.server_programs import PROGRAM_FOLDER, build_program_files
from guestagent.embedded.guests.services import GuestService
from guestagent.embedded.guests.user_data import UserData
from guestagent.embedded.host.cache_folder import make_public_folder
from guestagent.embedded.host.unix_account import UnixAccount, read_host_account
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.package_data import find_package_data

AGENT_CONFIG = "guestagent/guestagent.conf"
PRIVATE_FILES = frozenset({"os-collect-config.conf"})
# These files and folders of this machine's own /etc are hidden from the guest.
HIDDEN_FILES = ("my.cnf",)
HIDDEN_FOLDERS = ("guestagent", "mysql", "os-collect-config", "os-collect-config.d")
AGENT_MEMORY_LIMIT_MB = 512
"""Many guests share one machine: none may use all the memory of its flavor."""
VAR_FOLDERS = (
    ("", 0o755), ("cache", 0o755), ("lib", 0o755), ("lib/cloud", 0o755), ("lib/cloud/data", 0o700),
    ("lib/guestagent", 0o700), ("lib/heat-cfntools", 0o700), ("lib/os-collect-config", 0o700), ("log", 0o755),
    ("tmp", 0o1777),
)  # fmt: skip


def build_disk(guest: Guest, folder: Path, guest_services: Sequence[GuestService], images: Path) -> None:
    """Fill `folder`; `images`: the folder in which the data directory was built."""
    parsed_user_data = user_data.parse_user_data(guest.user_data)
    folder.mkdir(mode=0o700, parents=True)
    write_etc(folder / "etc", build_etc_files(guest, guest_services, parsed_user_data, read_host_account()))
    write_var(folder / "var", guest, parsed_user_data)
    data_directory.copy_guest_data(images, find_image(guest.image), folder / "var/lib/mysql")
    for folder_name in ("etc.work", "root-home", "root"):
        (folder / folder_name).mkdir(mode=0o700)


def build_etc_files(
    guest: Guest, guest_services: Sequence[GuestService], parsed_user_data: UserData, account: UnixAccount
) -> dict[str, str]:
    """Build the guest's files in /etc, by their path in it; those of our elements are the same as in an image."""
    name, image = boot_scripts.build_hostname(guest.name), find_image(guest.image)
    return {
        "hostname": f"{name}\n",
        "hosts": f"127.0.0.1 localhost\n{guest.address} {name}\n",
        "resolv.conf": "# no name server\n",
        "machine-id": f"{hashlib.sha256(guest.id.encode()).hexdigest()[:32]}\n",
        **(_build_account_files(account) if account.is_missing else {}),
        **_read_element_files(image),
        **build_option_files(image.family, guest.memory_mb),
        AGENT_CONFIG: build_agent_config(image, guest.memory_mb),
        boot_scripts.INIT_PATH.removeprefix("/etc/"): boot_scripts.build_init_script(
            guest.id, [name for name, _ in parsed_user_data.scripts]
        ),
        services.SUPERVISOR_CONFIG.removeprefix("/etc/"): services.build_supervisor_config(guest_services),
        **{path.removeprefix("/etc/"): text for path, text in build_program_files(image).items()},
    }


def build_option_files(family: Family, memory_mb: int) -> dict[str, str]:
    """Build the option files beside the element's: paths, and sizes until the agent sets them.

    The buffer pool gets a quarter of the flavor's memory, from 16 to 256 MiB.
    """
    group, folder, other_options = FAMILY_OPTIONS[family]
    buffer_pool = f"innodb_buffer_pool_size = {min(256, max(16, memory_mb // 4))}M\n"
    return {
        "mysql/my.cnf": f"{CLIENT_OPTIONS}!includedir /etc/mysql/{folder}/\n",
        f"mysql/{folder}/80-embedded.cnf": f"[{group}]\n{SERVER_OPTIONS}{buffer_pool}{other_options}",
    }


def write_etc(upper: Path, files: Mapping[str, str]) -> None:
    """Write the layer over this machine's /etc, and hide in it what a guest must not see."""
    make_public_folder(upper)
    for name in HIDDEN_FOLDERS:
        make_public_folder(upper / name)
        os.setxattr(upper / name, "trusted.overlay.opaque", b"y")
    for name in HIDDEN_FILES:
        os.mknod(upper / name, stat.S_IFCHR, os.makedev(0, 0))
    for name, text in files.items():
        path = upper / name
        make_public_folder(path.parent)
        path.touch(mode=0o600)
        path.write_text(text)
        is_program = f"/etc/{name}".startswith(f"{PROGRAM_FOLDER}/")
        path.chmod(0o600 if name in PRIVATE_FILES else 0o755 if is_program else 0o644)


def write_agent_config(folder: Path, guest: Guest) -> None:
    """Write the agent's settings anew if they are of another size; settings that a test has added stay."""
    path = folder / "etc" / AGENT_CONFIG
    old_line, new_line = re.compile(r"^memory_mb = \d+$", re.MULTILINE), _build_memory_line(guest.memory_mb)
    atomic_file.write_file(path, old_line.sub(new_line, path.read_text()).encode(), mode=0o644)


def write_var(var: Path, guest: Guest, parsed_user_data: UserData) -> None:
    """Write /var: the instance's id where cloud-init has it, user data where heat-cfntools has it."""
    for folder, mode in VAR_FOLDERS:
        (var / folder).mkdir()
        (var / folder).chmod(mode)
    (var / "run").symlink_to("/run")
    (var / "lock").symlink_to("/run/lock")
    (var / "log" / boot_scripts.CLOUD_INIT_LOG).touch(mode=0o600)
    write_instance_data(var, guest, parsed_user_data)


def write_instance_data(var: Path, guest: Guest, parsed_user_data: UserData) -> None:
    """Write what cloud-init and heat-cfntools write anew for each instance."""
    (var / "lib/cloud/data/instance-id").write_text(f"{guest.id}\n")
    link = var / "lib/cloud/instance"
    link.unlink(missing_ok=True)
    link.symlink_to(f"instances/{guest.id}")
    atomic_file.write_file(var / "lib/cloud/instances" / guest.id / "user-data.txt", guest.user_data)
    cfntools_folder = var / boot_scripts.CFNTOOLS_FOLDER.removeprefix("/var/")
    if parsed_user_data.init_data is not None:
        atomic_file.write_file(cfntools_folder / user_data.INIT_DATA_NAME, parsed_user_data.init_data)
    for name, script in parsed_user_data.scripts:
        atomic_file.write_file(cfntools_folder / name, script, mode=0o700)


CLIENT_OPTIONS = """\
[client]
socket = /run/mysqld/mysqld.sock
"""
SERVER_OPTIONS = """\
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
pid_file = /run/mysqld/mysqld.pid
innodb_log_buffer_size = 2M
key_buffer_size = 1M
open_files_limit = 4096
"""
MARIADB_OPTIONS = f"""\
innodb_log_file_size = {REDO_LOG_SIZE}
aria_pagecache_buffer_size = 4M
performance_schema = OFF
"""
# Guests have few tables; the default caches would take a quarter of a gigabyte.
MYSQL_OPTIONS = f"""\
innodb_redo_log_capacity = {REDO_LOG_SIZE}
secure_file_priv = NULL
max_connections = 64
table_open_cache = 256
table_definition_cache = 400
"""
FAMILY_OPTIONS: dict[Family, tuple[str, str, str]] = {
    "mariadb": ("mariadbd", "mariadb.conf.d", MARIADB_OPTIONS),
    "mysql": ("mysqld", "mysql.conf.d", MYSQL_OPTIONS),
}


def build_agent_config(image: GuestImage, memory_mb: int, python: str = sys.executable) -> str:
    """Build the agent's settings: a guest sees all of this machine's memory, and systemd does not run in it."""
    commands = (
        f"{action}_command = {_quote_command(services.build_control_command(action, image.family, python))}\n"
        for action in ("start", "stop", "restart")
    )
    seed, donor = (
        _quote_command(services.build_control_command("start", service, python))
        for service in ("guestagent-seed", "guestagent-donor")
    )
    return (
        f"[database]\nsocket = /run/mysqld/mysqld.sock\n{_build_memory_line(memory_mb)}\n[service]\n"
        f"{''.join(commands)}log_command = tail -n 60 /var/log/{image.family}.log\n"
        f"[seeding]\nstart_command = {seed}\ndonor_start_command = {donor}\n"
    )


def _build_memory_line(memory_mb: int) -> str:
    return f"memory_mb = {min(AGENT_MEMORY_LIMIT_MB, max(64, memory_mb))}"


def _quote_command(argv: Sequence[str]) -> str:
    """Quote a command so that the agent splits it correctly after oslo.config, for which `$` begins a variable."""
    return shlex.join(argv).replace("$", "$$")


def _read_element_files(image: GuestImage) -> dict[str, str]:
    folders = (
        find_package_data("elements") / element / "static/etc" for element in ("guestagent", image.element)
    )
    files = ((folder, path) for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for folder, path in files}


def _build_account_files(account: UnixAccount) -> dict[str, str]:
    user = f"mysql:x:{account.uid}:{account.gid}:MariaDB:/nonexistent:/bin/false\n"
    return {
        "passwd": Path("/etc/passwd").read_text() + user,
        "group": Path("/etc/group").read_text() + f"mysql:x:{account.gid}:\n",
    }
