"""Root directories of unpacked programs: made once on this machine, outside of any checkout, and never changed after.

A root is whole or not there: it is unpacked beside its place and then renamed, and of several makers one works while
the others wait.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from guestagent.embedded.database_servers.apt import AptSuite, ReportProgress
from guestagent.embedded.database_servers.flavours import SHELL_PACKAGES
from guestagent.embedded.host import commands
from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock, make_public_folder
from guestagent.errors import StorageError, UnsupportedEnvironment

UNPACK_TIMEOUT_S = 900.0
MOUNT_POINTS = ("dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var")
# Packages are unpacked, not installed: the few links that their scripts would make are made here.
LINKS = {"usr/bin/sh": "dash", "usr/bin/awk": "mawk"}
# Nobody reads manuals there, and they would be a tenth of it.
UNPACK_SCRIPT = """\
for file; do
    dpkg-deb --fsys-tarfile "$file" | tar --extract --keep-directory-symlink --directory "$0" \\
        --exclude ./usr/share/doc --exclude ./usr/share/man --exclude ./usr/share/locale
done
"""
# Linked libraries are found by /etc/ld.so.cache. It goes first: a mount program is not to be had after /usr.
ENTER_SCRIPT = """\
mount --bind "$0/etc/ld.so.cache" /etc/ld.so.cache
mount --bind "$0/usr" /usr
exec "$@"
"""


class ProgramPackages(Protocol):
    """The packages of a program from one Debian suite: a database server (`Flavour`), or another one of the tests."""

    @property
    def name(self) -> str: ...
    @property
    def suite(self) -> str: ...
    @property
    def packages(self) -> tuple[str, ...]: ...
    @property
    def extra_packages(self) -> tuple[str, ...]: ...
    @property
    def left_out_packages(self) -> tuple[str, ...]:
        """The dependencies that are not needed."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def version_command(self) -> tuple[str, ...]:
        """The command that shows that the program starts."""


def provide_root(program: ProgramPackages, report: ReportProgress, cache: Path | None = None) -> Path:
    """Return the program's root. Fetching a missing one takes minutes.

    UnsupportedEnvironment if it cannot be fetched, StorageError if it cannot be kept.
    """
    cache = cache or find_cache_folder()
    root = cache / "roots" / program.fingerprint
    if root.is_dir():
        return root
    if os.geteuid() != 0:
        raise UnsupportedEnvironment(f"{program.name} is not in {cache}, and fetching it needs root")
    try:
        make_public_folder(root.parent)
        with hold_file_lock(cache / f"{program.name}.lock"):
            if not root.is_dir():
                _unpack_packages(
                    program,
                    root,
                    cache / "apt" / program.name,
                    lambda message: report(f"{program.name}: {message}"),
                )
    except OSError as error:
        raise StorageError(f"{program.name} cannot be kept in {cache}: {error}") from error
    return root


def build_root_command(root: Path, argv: Sequence[str]) -> tuple[str, ...]:
    """Build the command that runs `argv` with the root's programs and libraries instead of this machine's.

    All else, every folder but /usr, is the machine's own, at its own place. Needs root. The process that is started
    is the one that becomes `argv`.
    """
    return (
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--",
        "/bin/sh",
        "-ec",
        ENTER_SCRIPT,
        str(root),
        *argv,
    )


def _unpack_packages(program: ProgramPackages, root: Path, apt_folder: Path, report: ReportProgress) -> None:
    draft = root.with_name(f"{root.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    packages = AptSuite(program.suite, apt_folder, report).fetch_packages(
        (*SHELL_PACKAGES, *program.packages), program.extra_packages, program.left_out_packages
    )
    report(f"unpacking {len(packages)} packages")
    _create_skeleton(draft)
    argv = ("bash", "-euo", "pipefail", "-c", UNPACK_SCRIPT, str(draft), *map(str, packages))
    commands.run_checked(f"unpacking {program.name}", argv, timeout=UNPACK_TIMEOUT_S)
    for link, target in LINKS.items():
        if not os.path.lexists(draft / link):
            (draft / link).symlink_to(target)
    commands.run_checked(f"linking {program.name}", ("ldconfig", "-r", str(draft)))
    version = commands.run_checked(
        f"starting {program.name}",
        build_root_command(draft, program.version_command),
        timeout=UNPACK_TIMEOUT_S,
    )
    os.sync()  # else a power cut after the renaming could leave files without their content
    draft.rename(root)
    shutil.rmtree(apt_folder)
    report(version.strip())


def _create_skeleton(draft: Path) -> None:
    for name in ("bin", "lib", "lib64", "sbin"):
        make_public_folder(draft / "usr" / name)
        (draft / name).symlink_to(f"usr/{name}")
    for name in MOUNT_POINTS:
        make_public_folder(draft / name)
