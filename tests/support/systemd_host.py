"""A host with a systemd of its own: a container over this machine's files, with the package of this checkout."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openstack
import psutil

import guestagent
from guestagent.embedded.containers.cgroups import create_cgroups, remove_cgroups
from guestagent.embedded.containers.start_script import build_exec_command
from guestagent.retry import SystemClock
from tests.support.polling import wait_until

BOOT_TIMEOUT_S = 120.0
COMMAND_TIMEOUT_S = 330.0
SYSTEM_PYTHON = "/usr/bin/python3"
PROGRAM = f"""\
#!/bin/sh
export PYTHONPATH=/opt/checkout:/opt/packages
exec {SYSTEM_PYTHON} -m guestagent "$@"
"""
SCRIPT = """\
set -eu
{joins}
mount -t tmpfs -o mode=755 tmpfs {folder}
cd {folder}
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mkdir -p root/opt/guestagent/bin root/opt/checkout/guestagent root/opt/packages /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
mount --bind {package} root/opt/checkout/guestagent
mount --bind {libraries} root/opt/packages
printf %s {program} > root/opt/guestagent/bin/guestagent
chmod 755 root/opt/guestagent/bin/guestagent
: > root/etc/fstab
exec systemd-nspawn --quiet --boot --register=no --keep-unit --settings=no --directory={folder}/root \
    --machine=manager --private-network --resolv-conf=off --timezone=off --link-journal=no --console=read-only \
    systemd.unit=basic.target
"""


@dataclass(frozen=True)
class SystemdHost:
    """The host, by the process that is its PID 1."""

    init: int

    def run(self, *argv: str, content: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program on the host, with `content` as its input."""
        return subprocess.run(
            build_exec_command(self.init, argv),
            input=content,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
        )

    def read(self, *argv: str) -> str:
        """Return what a program prints, which has to succeed."""
        completed = self.run(*argv)
        assert completed.returncode == 0, completed
        return completed.stdout.strip()

    def install(self, path: str, content: str, user: str = "root") -> None:
        """Write a file that its user alone can read."""
        completed = self.run("install", "-D", "-m", "0600", "-o", user, "/dev/stdin", path, content=content)
        assert completed.returncode == 0, completed


def has_equal_python() -> bool:
    """Return whether the system's Python can use the packages of this one: a service cannot read /root."""
    program = "import sys; print(*sys.version_info[:2])"
    try:
        shown = subprocess.run([SYSTEM_PYTHON, "-c", program], capture_output=True, text=True)
    except FileNotFoundError:
        return False
    return shown.stdout.split() == [str(number) for number in sys.version_info[:2]]


@contextmanager
def open_systemd_host(folder: Path) -> Iterator[SystemdHost]:
    """Boot the host, and end it with everything that it has changed."""
    record, top, log = folder / "cgroups", folder / "host", folder / "log"
    top.mkdir()
    joins = [
        f"echo $$ > {shlex.quote(str(group / 'cgroup.procs'))}"
        for group in create_cgroups(f"guestagent-host-{os.getpid()}", record)
    ]
    script = SCRIPT.format(
        joins="\n".join(joins),
        folder=shlex.quote(str(top)),
        package=shlex.quote(str(Path(guestagent.__file__).parent)),
        libraries=shlex.quote(str(Path(openstack.__file__).parent.parent)),
        program=shlex.quote(PROGRAM),
    )
    command = ("setpriv", "--pdeathsig=KILL", "--", "unshare", "--mount", "--propagation", "slave", "--")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield _await_boot(process, log)
    finally:
        _end(process)
        remove_cgroups(record, SystemClock())


def _await_boot(process: subprocess.Popen[bytes], log: Path) -> SystemdHost:
    def is_up() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        init = _find_init(process)
        if init is None:
            return False
        state = SystemdHost(init).run("systemctl", "is-active", "basic.target").stdout
        return state.strip() == "active"

    wait_until(is_up, BOOT_TIMEOUT_S, 0.5)
    init = _find_init(process)
    assert init is not None
    return SystemdHost(init)


def _find_init(process: subprocess.Popen[bytes]) -> int | None:
    """Return the child of systemd-nspawn: the processes before it have replaced each other."""
    parent = psutil.Process(process.pid)
    children = parent.children() if parent.name() == "systemd-nspawn" else []
    return next((child.pid for child in children), None)


def _end(process: subprocess.Popen[bytes]) -> None:
    init = _find_init(process) if process.poll() is None else None
    if init is not None:
        psutil.Process(init).kill()
    process.kill()
    process.wait()
