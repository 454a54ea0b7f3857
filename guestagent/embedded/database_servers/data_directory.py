"""A flavour's data directory as a fresh installation has it: only root may log in, over the socket. No history.

It is made once, because that takes seconds, and then copied. The caller sets the owner of the copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.database_servers.apt import ReportProgress
from guestagent.embedded.database_servers.flavours import Family, Flavour
from guestagent.embedded.database_servers.unpacked_root import build_root_command, provide_root
from guestagent.embedded.host import commands
from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock
from guestagent.errors import StorageError
from guestagent.package_data import find_package_data

REDO_LOG_SIZE = "8M"
INSTALL_TIMEOUT_S = 300.0
# Files that identify a server: copies must not share them. A server without one creates its own.
IDENTITY_FILES = ("auto.cnf",)
ACCOUNTS_FILE = "guestagent-mysql/static/usr/share/guestagent/mysql-accounts.sql"
# The tables get the name of the machine where they are made: not this one's, which no guest has.
LOCALHOST_SCRIPT = 'echo localhost > /proc/sys/kernel/hostname; exec "$0" "$@"'


def provide_data_directory(flavour: Flavour, report: ReportProgress, cache: Path | None = None) -> Path:
    """Return the directory to copy. It is root's, and not to be used itself. Errors are those of `provide_root`."""
    cache = cache or find_cache_folder()
    root = provide_root(flavour, report, cache)
    folder = cache / "data" / f"{flavour.fingerprint}-{REDO_LOG_SIZE}"
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with hold_file_lock(cache / f"{flavour.name}.lock"):
            if not folder.is_dir():
                draft = folder.with_name(f"{folder.name}.draft")
                report(f"{flavour.name}: making a data directory")
                install_data_directory(flavour.family, draft, root)
                os.sync()  # else a power cut after the renaming could leave files without their content
                draft.rename(folder)
    except OSError as error:
        raise StorageError(f"a data directory cannot be kept in {cache}: {error}") from error
    return folder


def copy_data_directory(source: Path, target: Path) -> None:
    """Copy a data directory for a server. `target` must not exist yet."""
    options = ("--archive", "--reflink=auto", "--sparse=always", "-T")
    commands.run_checked("copying the data directory", ("cp", *options, str(source), str(target)))


def install_data_directory(family: Family, folder: Path, root: Path | None) -> None:
    """Make a data directory with the server of this root, or with this machine's own. `folder` is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    argv = INSTALLERS[family](folder)
    argv = argv if root is None else build_root_command(root, argv)
    localhost_command = ("unshare", "--uts", "--", "sh", "-ec", LOCALHOST_SCRIPT, *argv)
    commands.run_checked("making a data directory", localhost_command, timeout=INSTALL_TIMEOUT_S)
    for name in IDENTITY_FILES:
        (folder / name).unlink(missing_ok=True)


def build_mariadb_install_command(folder: Path, redo_log: str) -> Sequence[str]:
    """Build the command that makes a MariaDB data directory: only root may log in, over the socket.

    It runs in the parent folder, because MariaDB's script splits a path with a space. A starting server
    deletes every temporary table in its own temporary folder: in /tmp also those of another build.
    """
    return (
        "env", f"--chdir={folder.parent}", f"TMPDIR={folder.parent}",
        "mariadb-install-db", "--no-defaults", "--rpm", "--user=root", "--skip-test-db", "--skip-log-bin",
        "--auth-root-authentication-method=socket", f"--innodb-log-file-size={redo_log}",
        f"--datadir=./{folder.name}",
    )  # fmt: skip


def _build_mariadb_command(folder: Path) -> Sequence[str]:
    return build_mariadb_install_command(folder, REDO_LOG_SIZE)


def _prepare_mysql_command(folder: Path) -> Sequence[str]:
    """Build the command for MySQL, as the element runs it for an image. It skips syncing: a draft may be lost."""
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


INSTALLERS = {"mariadb": _build_mariadb_command, "mysql": _prepare_mysql_command}
