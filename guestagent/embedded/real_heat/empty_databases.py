"""The databases of Keystone and Heat as they are before anyone uses them: made once on this machine, copied for every
run. A template is complete or absent, and named after what it was made of.
"""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.database_servers.data_directory import build_mariadb_install_command
from guestagent.embedded.host.cache_folder import find_cache_folder, make_public_folder
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_heat import run_folder
from guestagent.embedded.real_heat.account_commands import run_as_account
from guestagent.embedded.real_heat.daemons import ServiceDaemon
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses
from guestagent.embedded.real_heat.prepared_folder import compute_source_digest, open_prepared_folder
from guestagent.embedded.real_heat.release import SCRIPT_FOLDER, HeatRelease
from guestagent.embedded.real_heat.service_daemons import build_database_daemon, is_database_answering
from guestagent.errors import CloudError, DeadlineExceeded, StorageError

SOURCE_NAMES = ("empty_databases", "daemon_config", "passwords", "paths", "prepared_folder", "run_folder")
SOURCE_FILES = tuple(Path(__file__).with_name(f"{name}.py") for name in SOURCE_NAMES)
DATABASE_TIMEOUT_S = 30.0
DATABASE_POLL_INTERVAL_S = 0.05
PLACEHOLDER_ADDRESSES = ServiceAddresses("http://127.0.0.1", "http://127.0.0.1", "http://127.0.0.1", 0, 0, 0)
PLACEHOLDER_AUTH_TTL = timedelta(minutes=15)
REDO_LOG_SIZE = "16M"


def open_cache_folder(cache: Path | None = None) -> Path:
    """Return the folder of everything that is made once, beside the flavours' servers: any checkout finds it there.

    The daemons' account must be able to enter it. StorageError if it cannot be created.
    """
    folder = (cache or find_cache_folder()) / "heat"
    try:
        make_public_folder(folder)
        folder.chmod(0o711)
    except OSError as error:
        raise StorageError(f"cannot keep prepared databases in {folder}: {error}") from error
    return folder


def build_template(folder: Path, release: HeatRelease, account: UnixAccount) -> Path:
    """Return the template of this release; make it in `folder` if it is missing. From the main thread."""
    template = folder / f"{release.name}-{compute_digest(release.read_versions())}"
    return open_prepared_folder(
        template, folder / "draft", folder / "lock", lambda draft: _fill(RunPaths(draft), release, account)
    )


def compute_digest(versions: str) -> str:
    """Compute what changes with anything that goes into the databases: the programs, or our own part."""
    return compute_source_digest(versions, (*SOURCE_FILES, *sorted(SCRIPT_FOLDER.glob("*.py"))))


def _fill(paths: RunPaths, release: HeatRelease, account: UnixAccount) -> None:
    run_folder.create_folders(paths)
    passwords = HeatPasswords.generate()
    atomic_file.write_file(paths.password_file, passwords.dump())
    run_folder.create_keys(paths)
    run_as_account("making a data directory", build_mariadb_install_command(paths.data, REDO_LOG_SIZE))
    addresses, auth_ttl = PLACEHOLDER_ADDRESSES, PLACEHOLDER_AUTH_TTL
    run_folder.write_config(paths, addresses, passwords, auth_ttl, release, account)
    server = build_database_daemon(paths, account)
    server.start()
    try:
        wait_for_database(server, paths)
        with ThreadPoolExecutor(2) as pool:
            heat = pool.submit(_create_heat_tables, paths, release, account)
            keystone = pool.submit(_create_keystone_tables, paths, release, account, passwords)
            heat.result()
            keystone.result()
    finally:
        server.stop(signal.SIGTERM)


def _create_heat_tables(paths: RunPaths, release: HeatRelease, account: UnixAccount) -> None:
    argv = release.build_manage_command("heat", paths, "db_sync")
    run_as_account("making Heat's tables", argv, account=account, log=paths.logs / "heat-sync.log")


def _create_keystone_tables(
    paths: RunPaths, release: HeatRelease, account: UnixAccount, passwords: HeatPasswords
) -> None:
    argv = release.build_manage_command("keystone", paths, "db_sync")
    run_as_account("making Keystone's tables", argv, account=account, log=paths.logs / "keystone-sync.log")
    script, config = paths.scripts / "keystone_bootstrap.py", paths.settings / "keystone.conf"
    run_as_account(
        "making Keystone's first user",
        (str(release.python), str(script), "--config-file", str(config)),
        account=account,
        stdin=passwords.admin.reveal() + "\n",
        log=paths.logs / "keystone-bootstrap.log",
    )


def wait_for_database(server: ServiceDaemon, paths: RunPaths) -> None:
    """Wait until the database server takes connections; CloudError if it ends."""
    deadline = time.monotonic() + DATABASE_TIMEOUT_S
    while not is_database_answering(paths):
        if server.has_ended:
            raise CloudError(f"the database server ended: {server.read_last_line()}")
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"the database server does not answer after {DATABASE_TIMEOUT_S:.0f} s")
        time.sleep(DATABASE_POLL_INTERVAL_S)
