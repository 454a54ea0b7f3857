"""A flavour's data directory as a fresh installation has it: root over the socket, nobody else, no history.

Made once, for it takes seconds, and copied: whoever starts a server on the copy gives it the owner that it runs as.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.database_servers.apt import ReportProgress
from guestagent.embedded.database_servers.flavours import Family, Flavour
from guestagent.embedded.database_servers.root_directory import build_root_command, provide_root
from guestagent.embedded.host import commands
from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock
from guestagent.errors import StorageError
from guestagent.package_data import find_package_data

REDO_LOG_SIZE = "8M"
INSTALL_TIMEOUT_S = 300.0
# What tells servers apart: copies must not have it in common. A server that finds none makes its own.
IDENTITY_FILES = ("auto.cnf",)
ACCOUNTS_FILE = "guestagent-mysql/static/usr/share/guestagent/mysql-accounts.sql"
# The tables get the name of the machine where they are made: not this one's, which no guest has.
LOCALHOST_SCRIPT = 'echo localhost > /proc/sys/kernel/hostname; exec "$0" "$@"'


def provide_data_directory(flavour: Flavour, say: ReportProgress, cache: Path | None = None) -> Path:
    """The directory to copy; root's, and not to be used itself. Errors as of `provide`."""
    cache = cache or find_cache_folder()
    root = provide_root(flavour, say, cache)
    folder = cache / "data" / f"{flavour.fingerprint}-{REDO_LOG_SIZE}"
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with hold_file_lock(cache / f"{flavour.name}.lock"):
            if not folder.is_dir():
                draft = folder.with_name(f"{folder.name}.draft")
                say(f"{flavour.name}: making a data directory")
                install_data_directory(flavour.family, draft, root)
                os.sync()  # else a power cut after the renaming could leave files without their content
                draft.rename(folder)
    except OSError as error:
        raise StorageError(f"a data directory cannot be kept in {cache}: {error}") from error
    return folder


def copy_data_directory(source: Path, target: Path) -> None:
    """A server's own data directory, which must not be there yet."""
    options = ("--archive", "--reflink=auto", "--sparse=always", "-T")
    commands.run_checked("copying the data directory", ("cp", *options, str(source), str(target)))


def install_data_directory(family: Family, folder: Path, root: Path | None) -> None:
    """Make it with the server of this root, or with this machine's own; what was in `folder` is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    argv = _INSTALLERS[family](folder)
    argv = argv if root is None else build_root_command(root, argv)
    nameless = ("unshare", "--uts", "--", "sh", "-ec", LOCALHOST_SCRIPT, *argv)
    commands.run_checked("making a data directory", nameless, timeout=INSTALL_TIMEOUT_S)
    for name in IDENTITY_FILES:
        (folder / name).unlink(missing_ok=True)


def build_mariadb_install_command(folder: Path, redo_log: str) -> Sequence[str]:
    """The command that makes a MariaDB's data directory: root over the socket, nobody else.

    It runs where the directory is to be, for MariaDB's script takes a path with a space for two. A starting server
    deletes every temporary table in its own temporary folder: in /tmp also those of another build.
    """
    return (
        "env", f"--chdir={folder.parent}", f"TMPDIR={folder.parent}",
        "mariadb-install-db", "--no-defaults", "--rpm", "--user=root", "--skip-test-db", "--skip-log-bin",
        "--auth-root-authentication-method=socket", f"--innodb-log-file-size={redo_log}",
        f"--datadir=./{folder.name}",
    )  # fmt: skip


def _mariadb(folder: Path) -> Sequence[str]:
    return build_mariadb_install_command(folder, REDO_LOG_SIZE)


def _mysql(folder: Path) -> Sequence[str]:
    """As the element makes an image's. A power cut takes the whole directory: nothing need reach the disk before."""
    accounts = folder.with_name(
        f"{folder.name}.sql"
    )  # what is shipped may lie in /usr, which is another's then
    accounts.write_bytes((find_package_data("elements") / ACCOUNTS_FILE).read_bytes())
    return (
        "/usr/sbin/mysqld", "--no-defaults", "--initialize-insecure", "--user=root", "--disable-log-bin",
        f"--init-file={accounts}", "--innodb-flush-method=nosync",
        "--skip-innodb-doublewrite", f"--innodb-redo-log-capacity={REDO_LOG_SIZE}", "--secure-file-priv=NULL",
        f"--datadir={folder}", f"--tmpdir={folder.parent}",
    )  # fmt: skip


_INSTALLERS = {"mariadb": _mariadb, "mysql": _mysql}
